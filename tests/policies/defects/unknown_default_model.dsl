# expect: unknown_model
MODEL house/small {}
SIGNAL context long { min_tokens: "6K" }
ROUTE long { PRIORITY 1  WHEN context("long")  MODEL "house/small" }
GLOBAL { default_model: "house/smal" }
