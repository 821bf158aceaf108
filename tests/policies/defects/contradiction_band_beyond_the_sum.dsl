# expect: contradiction 14
MODEL m {}
SIGNAL keyword a { keywords: ["aa"] }
SIGNAL keyword b { keywords: ["bb"] }
SIGNAL keyword c { keywords: ["cc"] }
PROJECTION score s {
  inputs: [
    { type: "keyword", name: "a", weight: 0.1 },
    { type: "keyword", name: "b", weight: 0.1 },
    { type: "keyword", name: "c", weight: 0.1 }
  ]
}
PROJECTION mapping n { source: "s"  outputs: [{ name: "low", lte: 0.3 }, { name: "high", gt: 0.3 }] }
ROUTE strict { PRIORITY 2  WHEN projection("high")  MODEL "m" }
ROUTE rest { PRIORITY 1 }
