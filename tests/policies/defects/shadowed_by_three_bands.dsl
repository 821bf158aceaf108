# expect: shadowed 10
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 1.0, value_source: "confidence" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.5 }, { name: "mid", gte: 0.5, lt: 0.8 }, { name: "high", gte: 0.8 }] }
ROUTE low { PRIORITY 30  WHEN projection("low")  MODEL "m" }
ROUTE mid { PRIORITY 29  WHEN projection("mid") OR projection("high")  MODEL "n" }
ROUTE caught { PRIORITY 10  WHEN keyword("loud")  MODEL "m" (reasoning = true) }
