# expect: not_exhaustive
# Exactly 4000 tokens are nobody's.
MODEL m {}
MODEL n {}
SIGNAL context short { max_tokens: 3999 }
SIGNAL context long { min_tokens: 4001 }
ROUTE short { WHEN context("short")  MODEL "m" }
ROUTE long { WHEN context("long")  MODEL "n" }
