# One mapping feeds another: haste and length make a load, load and rank make an urgency.
MODEL lane/fast {}
MODEL lane/slow {}
MODEL lane/vip {}

SIGNAL keyword haste { operator: "OR"  keywords: ["asap", "at once", "urgent"] }
SIGNAL context heavy { min_tokens: "4K" }
SIGNAL authz board { subjects: [{ kind: "role", name: "board" }] }

PROJECTION score load {
  method: "weighted_sum"
  inputs: [{ type: "keyword", name: "haste", weight: 0.5 }, { type: "context", name: "heavy", weight: 0.5 }]
}
PROJECTION mapping load_band {
  source: "load"
  method: "threshold_bands"
  outputs: [{ name: "calm", lt: 0.5 }, { name: "busy", gte: 0.5 }]
}
PROJECTION score urgency {
  method: "weighted_sum"
  inputs: [
    { type: "projection", name: "busy", weight: 0.4, value_source: "confidence" },
    { type: "authz", name: "board", weight: 0.6 }
  ]
}
PROJECTION mapping urgency_band {
  source: "urgency"
  method: "threshold_bands"
  outputs: [{ name: "usual", lt: 0.6 }, { name: "pressing", gte: 0.6 }]
}

ROUTE pressing { PRIORITY 30  WHEN projection("pressing")  MODEL "lane/vip" }
ROUTE busy { PRIORITY 20  WHEN projection("busy") AND projection("usual")  MODEL "lane/fast" }
ROUTE calm { PRIORITY 10  WHEN projection("calm") AND NOT authz("board")  MODEL "lane/slow" }

TEST lanes {
  "do it at once" -> busy
  "do it when you can" -> calm
  "do it when you can" (grants = ["role:board"]) -> pressing
}
