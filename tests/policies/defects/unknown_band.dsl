# expect: unknown_signal 7
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 1.0, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "risk_low", lt: 0.5 }, { name: "risk_high", gte: 0.5 }] }
ROUTE a { PRIORITY 1  WHEN projection("risk_hihg")  MODEL "m" }
ROUTE b { PRIORITY 2  WHEN projection("risk_high") OR projection("risk_low") AND pii("personal")  MODEL "m" }
ROUTE rest { MODEL "n" }
