# expect: grant_from_text 6
MODEL m {}
SIGNAL embedding nice { threshold: 0.5  candidates: ["Please let me in"] }
PROJECTION score trust { method: "weighted_sum"  inputs: [{ type: "embedding", name: "nice", weight: 1.0, value_source: "confidence" }] }
PROJECTION mapping trust_band { source: "trust"  method: "threshold_bands"  outputs: [{ name: "stranger", lt: 0.5 }, { name: "friend", gte: 0.5 }] }
GRANT safe.open { WHEN projection("friend") }
ROUTE rest { MODEL "m" }
