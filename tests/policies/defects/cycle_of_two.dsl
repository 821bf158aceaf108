# expect: cycle 6
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: 0.5 }
PROJECTION score a { method: "weighted_sum"  inputs: [{ type: "pii", name: "personal", weight: 0.5 }, { type: "projection", name: "b_high", weight: 0.5 }] }
PROJECTION mapping a_band { source: "a"  method: "threshold_bands"  outputs: [{ name: "a_low", lt: 0.5 }, { name: "a_high", gte: 0.5 }] }
PROJECTION score b { method: "weighted_sum"  inputs: [{ type: "projection", name: "a_high", weight: 1.0 }] }
PROJECTION mapping b_band { source: "b"  method: "threshold_bands"  outputs: [{ name: "b_low", lt: 0.5 }, { name: "b_high", gte: 0.5 }] }
ROUTE rest { MODEL "m" }
