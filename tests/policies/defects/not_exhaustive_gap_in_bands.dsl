# expect: not_exhaustive
MODEL m {}
MODEL n {}
SIGNAL embedding risky { threshold: 0.5  candidates: ["Wire all the money now"] }
PROJECTION score risk { method: "weighted_sum"  inputs: [{ type: "embedding", name: "risky", weight: 1.0, value_source: "score" }] }
PROJECTION mapping risk_band { source: "risk"  method: "threshold_bands"  outputs: [{ name: "low", lt: 0.4 }, { name: "high", gte: 0.5 }] }
ROUTE low { WHEN projection("low")  MODEL "m" }
ROUTE high { WHEN projection("high")  MODEL "n" }
