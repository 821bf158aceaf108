# expect: unreached_band 6, contradiction 7
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 0.4, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }] }
ROUTE high { PRIORITY 1  WHEN projection("high")  MODEL "m" }
ROUTE rest { MODEL "n" }
