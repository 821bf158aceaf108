# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL context short { max_tokens: "2K" }
SIGNAL context long { min_tokens: "32K" }
ROUTE odd { PRIORITY 9  WHEN context("short") AND context("long")  MODEL "m" }
ROUTE rest { MODEL "n" }
