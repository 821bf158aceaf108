# expect: shadowed 7
MODEL m {}
MODEL n {}
SIGNAL context long { min_tokens: "8K" }
SIGNAL context huge { min_tokens: "64K"  max_tokens: "1M" }
ROUTE long { PRIORITY 20  WHEN context("long")  MODEL "m" }
ROUTE huge { PRIORITY 10  WHEN context("huge")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = false) }
