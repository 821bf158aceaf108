# expect: duplicate 6
MODEL m {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 1.0 }] }
PROJECTION mapping one { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }] }
PROJECTION mapping two { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.2 }, { name: "top", gte: 0.2 }] }
ROUTE rest { MODEL "m" }
