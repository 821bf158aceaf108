# expect: unknown_model 5
MODEL house/small {}
MODEL house/large {}
SIGNAL context long { min_tokens: "6K" }
ROUTE long { PRIORITY 1  WHEN context("long")  MODEL "house/larg" }
ROUTE rest { MODEL "house/small" }
