# expect: contradiction 8
# Whatever is neither short nor long is in the middle.
MODEL m {}
MODEL n {}
SIGNAL context short { max_tokens: 1000 }
SIGNAL context middle { min_tokens: 900  max_tokens: "9K" }
SIGNAL context long { min_tokens: 8000 }
ROUTE odd { PRIORITY 9  WHEN NOT context("short") AND NOT context("middle") AND NOT context("long")  MODEL "m" }
ROUTE rest { MODEL "n" }
