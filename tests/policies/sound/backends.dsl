# Where models are served; the ports are in range.
BACKEND vllm_endpoint left { address: "127.0.0.1"  port: 8101 }
BACKEND vllm_endpoint right { address: "127.0.0.1"  port: 8102 }
MODEL self/left { context_window_size: 8192 }
MODEL self/right { context_window_size: 16384 }

SIGNAL length note { max_chars: 400 }
SIGNAL length page { min_chars: 401  max_chars: 4000 }

ROUTE notes { PRIORITY 1  WHEN length("note")  MODEL "self/left" }
ROUTE pages { PRIORITY 1  WHEN length("page")  MODEL "self/right" (reasoning = false) }
ROUTE books { MODEL "self/right" }
