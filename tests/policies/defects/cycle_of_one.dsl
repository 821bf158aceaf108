# expect: cycle 5
MODEL m {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 0.5 }, { type: "projection", name: "high", weight: 0.5 }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }] }
ROUTE rest { MODEL "m" }
