# A loop over models, and an algorithm that chooses among them.
MODEL pool/red { context_window_size: 32768 }
MODEL pool/green { context_window_size: 32768 }
MODEL pool/blue { context_window_size: 65536 }

SIGNAL domain economics { mmlu_categories: ["economics", "business"] }

ROUTE trade {
  PRIORITY 7
  WHEN domain("economics")
  FOR m IN ["pool/red", "pool/green"] { MODEL m }
  ALGORITHM elo { k_factor: 24 }
}
ROUTE rest {
  MODEL "pool/blue"
}
