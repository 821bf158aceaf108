# expect: unknown_signal 4
MODEL m {}
MODEL n {}
SIGNAL complexity effort {
  composer: { operator: "AND"  conditions: [{ type: "keyword", name: "code" }] }
  hard: { candidates: ["Prove it"] }
  easy: { candidates: ["Say hello"] }
}
ROUTE a { PRIORITY 1  WHEN complexity("effort")  MODEL "m" }
ROUTE rest { MODEL "n" }
