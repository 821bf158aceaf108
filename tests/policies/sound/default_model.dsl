# No route for everything: the default model takes what is left.
MODEL house/small { context_window_size: 8192 }
MODEL house/large { context_window_size: 131072 }

SIGNAL context long { min_tokens: "6K" }

ROUTE long_prompts {
  PRIORITY 10
  WHEN context("long")
  MODEL "house/large"
}

GLOBAL { default_model: "house/small" }
