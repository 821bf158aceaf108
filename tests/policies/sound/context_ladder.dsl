# Longer prompts go to models with more room; the ranges touch and do not overlap.
MODEL ladder/s { context_window_size: 4096 }
MODEL ladder/m { context_window_size: 32768 }
MODEL ladder/l { context_window_size: 1000000 }

SIGNAL context short { max_tokens: 3000 }
SIGNAL context middle { min_tokens: 3001  max_tokens: "30K" }
SIGNAL context long { min_tokens: 30001 }

ROUTE small { WHEN context("short")  MODEL "ladder/s" }
ROUTE medium { WHEN context("middle")  MODEL "ladder/m" }
ROUTE large { WHEN context("long")  MODEL "ladder/l" }

TEST lengths {
  "hello" (tokens = 12) -> small
  "hello" (tokens = 3001) -> medium
  "hello" (tokens = 90000) -> large
}
