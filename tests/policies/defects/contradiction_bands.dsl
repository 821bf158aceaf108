# expect: contradiction 8
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5  pii_types_allowed: [] }
SIGNAL jailbreak attack { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 0.5, value_source: "confidence" }, { type: "jailbreak", name: "attack", weight: 0.5, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.3 }, { name: "mid", gte: 0.3, lt: 0.6 }, { name: "high", gte: 0.6 }] }
ROUTE odd { PRIORITY 9  WHEN projection("low") AND projection("high")  MODEL "m" }
ROUTE rest { MODEL "n" }
