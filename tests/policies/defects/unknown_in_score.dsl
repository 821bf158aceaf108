# expect: unknown_signal 5
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 0.5 }, { type: "jailbreak", name: "attack", weight: 0.5 }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }] }
ROUTE a { PRIORITY 1  WHEN projection("high")  MODEL "m" }
ROUTE rest { MODEL "n" }
