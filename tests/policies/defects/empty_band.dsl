# expect: empty_band 6
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 1.0, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.9, lt: 0.6 }] }
ROUTE low { PRIORITY 1  WHEN projection("low") AND pii("personal")  MODEL "m" }
ROUTE rest { MODEL "n" }
