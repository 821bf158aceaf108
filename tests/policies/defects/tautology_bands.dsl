# expect: tautology 7
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 1.0, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "high", gte: 0.5 }] }
ROUTE everything { PRIORITY 1  WHEN projection("low") OR projection("high")  MODEL "m" }
