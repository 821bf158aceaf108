# Cost against quality: kinds of work in a group, how difficult in bands, a model for each pair that matters.
MODEL tier/nano { context_window_size: 16384 }
MODEL tier/mini { context_window_size: 65536 }
MODEL tier/base { context_window_size: 131072 }
MODEL tier/code { context_window_size: 131072 }
MODEL tier/math { context_window_size: 65536 }
MODEL tier/max { context_window_size: 400000 }

SIGNAL embedding programming { threshold: 0.45  candidates: ["Fix the bug in this function", "Why does my build fail", "Write a unit test for this class"] }
SIGNAL embedding mathematics { threshold: 0.45  candidates: ["Solve the integral", "Prove the inequality", "What is the probability that"] }
SIGNAL embedding writing { threshold: 0.45  candidates: ["Rewrite this paragraph", "Draft a letter to my landlord", "Make this text friendlier"] }
SIGNAL embedding facts { threshold: 0.4  candidates: ["Who wrote this novel", "When was the bridge built", "What is the capital of Chad"] }

PROJECTION partition work {
  semantics: "softmax_exclusive"
  temperature: 0.10
  members: ["programming", "mathematics", "writing", "facts"]
  default: "facts"
}

SIGNAL complexity effort {
  threshold: 0.08
  hard: { candidates: ["Find the race condition in this scheduler and prove the repair", "Plan a migration with no time of rest"] }
  easy: { candidates: ["Convert this to upper case", "What day is it"] }
}
SIGNAL structure steps { feature: { type: "count", source: { type: "regex", pattern: "\\b(first|then|finally|step)\\b" } }  predicate: { gte: 2 } }
SIGNAL context lengthy { min_tokens: "10K" }
SIGNAL keyword careful { operator: "OR"  keywords: ["think carefully", "step by step", "be rigorous"] }
SIGNAL keyword brief { operator: "OR"  keywords: ["in one word", "briefly", "short answer"] }

PROJECTION score difficulty {
  method: "weighted_sum"
  inputs: [
    { type: "complexity", name: "effort:hard", weight: 0.4 },
    { type: "structure", name: "steps", weight: 0.15 },
    { type: "context", name: "lengthy", weight: 0.2 },
    { type: "keyword", name: "careful", weight: 0.25 },
    { type: "keyword", name: "brief", weight: -0.2 }
  ]
}
PROJECTION mapping difficulty_band {
  source: "difficulty"
  method: "threshold_bands"
  calibration: { method: "sigmoid_distance", slope: 12 }
  outputs: [
    { name: "trivial", lt: 0.14 },
    { name: "moderate", gte: 0.14, lt: 0.38 },
    { name: "demanding", gte: 0.38, lt: 0.72 },
    { name: "extreme", gte: 0.72 }
  ]
}

ROUTE anything_extreme { PRIORITY 150  WHEN projection("extreme")  MODEL "tier/max" (reasoning = true) }
ROUTE code_demanding { PRIORITY 140  WHEN embedding("programming") AND projection("demanding")  MODEL "tier/code" (reasoning = true) }
ROUTE code_moderate { PRIORITY 139  WHEN embedding("programming") AND projection("moderate")  MODEL "tier/code" (reasoning = false) }
ROUTE code_trivial { PRIORITY 138  WHEN embedding("programming") AND projection("trivial")  MODEL "tier/mini" }
ROUTE math_demanding { PRIORITY 130  WHEN embedding("mathematics") AND projection("demanding")  MODEL "tier/math" (reasoning = true) }
ROUTE math_moderate { PRIORITY 129  WHEN embedding("mathematics") AND projection("moderate")  MODEL "tier/math" (reasoning = false) }
ROUTE math_trivial { PRIORITY 128  WHEN embedding("mathematics") AND projection("trivial")  MODEL "tier/mini" (reasoning = false) }
ROUTE prose_long { PRIORITY 121  WHEN embedding("writing") AND context("lengthy")  MODEL "tier/base" (reasoning = false)  PLUGIN semantic_cache { enabled: false } }
ROUTE prose_demanding { PRIORITY 120  WHEN embedding("writing") AND projection("demanding")  MODEL "tier/base" (reasoning = true) }
ROUTE prose_moderate { PRIORITY 119  WHEN embedding("writing") AND projection("moderate")  MODEL "tier/base" }
ROUTE prose_trivial { PRIORITY 118  WHEN embedding("writing") AND projection("trivial")  MODEL "tier/nano" (reasoning = false) }
ROUTE facts_brief { PRIORITY 112  WHEN embedding("facts") AND keyword("brief") AND NOT context("lengthy")  MODEL "tier/nano"  PLUGIN semantic_cache { enabled: true  similarity_threshold: 0.95 } }
ROUTE facts_demanding { PRIORITY 110  WHEN embedding("facts") AND projection("demanding")  MODEL "tier/base", "tier/max"  ALGORITHM automix { cost_quality_tradeoff: 0.4 } }
ROUTE facts_moderate { PRIORITY 109  WHEN embedding("facts") AND projection("moderate")  MODEL "tier/base" (effort = "low") }
ROUTE rest { PRIORITY 1  MODEL "tier/nano" }
