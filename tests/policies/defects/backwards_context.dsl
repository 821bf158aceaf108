# expect: out_of_range 4
MODEL m {}
MODEL n {}
SIGNAL context odd { min_tokens: "32K"  max_tokens: "8K" }
ROUTE odd { PRIORITY 1  WHEN context("odd")  MODEL "m" }
ROUTE rest { MODEL "n" }
