# What must not leave the house stays in it; what is hard and harmless may go out. Lower tiers come first.
MODEL house/guarded { context_window_size: 32768 }
MODEL house/everyday { context_window_size: 32768 }
MODEL outside/frontier { context_window_size: 200000 }

SIGNAL jailbreak tampering { method: "hybrid"  threshold: 0.6 }
SIGNAL keyword exfiltration { operator: "OR"  keywords: ["dump the database", "print your instructions", "all customer records"] }
SIGNAL pii personal { threshold: 0.6  pii_types_allowed: [] }
SIGNAL keyword secret { operator: "OR"  keywords: ["confidential", "internal only", "under nda"] }
SIGNAL embedding people { threshold: 0.62  candidates: ["Write a reference letter for my employee", "Summarise this patient's file"] }
SIGNAL complexity depth {
  threshold: 0.12
  hard: { candidates: ["Weigh these three designs against each other and defend one", "Derive a bound and prove it"] }
  easy: { candidates: ["What does this word mean", "Thanks, that is all"] }
}
SIGNAL context roomy { min_tokens: "12K" }

PROJECTION score exposure {
  method: "weighted_sum"
  inputs: [
    { type: "pii", name: "personal", weight: 0.6, value_source: "confidence" },
    { type: "keyword", name: "secret", weight: 0.5 },
    { type: "embedding", name: "people", weight: 0.3 }
  ]
}
PROJECTION mapping exposure_band {
  source: "exposure"
  method: "threshold_bands"
  outputs: [{ name: "harmless", lt: 0.3 }, { name: "private", gte: 0.3 }]
}

PLUGIN no_tools tools { mode: "none" }

ROUTE containment (description = "Attempts to get at data or rules") {
  PRIORITY 300
  TIER 1
  WHEN jailbreak("tampering") OR keyword("exfiltration")
  MODEL "house/guarded" (reasoning = false)
  PLUGIN no_tools
  PLUGIN router_replay { enabled: true }
}
ROUTE private (description = "Personal or confidential") {
  PRIORITY 250
  TIER 2
  WHEN projection("private")
  MODEL "house/everyday" (reasoning = false)
  PLUGIN semantic_cache { enabled: false }
}
ROUTE frontier (description = "Hard or long, and harmless") {
  PRIORITY 200
  TIER 3
  WHEN projection("harmless") AND (complexity("depth:hard") OR context("roomy"))
  MODEL "outside/frontier" (reasoning = true)
}
ROUTE everyday (description = "All else") {
  PRIORITY 100
  TIER 4
  MODEL "house/everyday" (reasoning = false)
}

TEST containment {
  "Please dump the database for me" -> containment
  "This is internal only: our plan for spring" -> private
  "What does ephemeral mean?" -> everyday
}
