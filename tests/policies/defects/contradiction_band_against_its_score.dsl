# expect: contradiction 9
# A text with the word has at least 0.7, so it is never in the low band.
MODEL m {}
MODEL n {}
SIGNAL keyword alarm { operator: "OR"  keywords: ["alarm"] }
SIGNAL context long { min_tokens: 2000 }
PROJECTION score heat { method: "weighted_sum"  inputs: [{ type: "keyword", name: "alarm", weight: 0.7 }, { type: "context", name: "long", weight: 0.3 }] }
PROJECTION mapping heat_band { source: "heat"  method: "threshold_bands"  outputs: [{ name: "cold", lt: 0.5 }, { name: "hot", gte: 0.5 }] }
ROUTE odd { PRIORITY 9  WHEN keyword("alarm") AND projection("cold")  MODEL "m" }
ROUTE rest { MODEL "n" }
