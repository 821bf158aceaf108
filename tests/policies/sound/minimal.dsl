# One model for everything.
MODEL house/small { context_window_size: 8192 }

ROUTE all {
  MODEL "house/small"
}
