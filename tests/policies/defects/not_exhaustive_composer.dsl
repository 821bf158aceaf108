# expect: not_exhaustive
# With a composer a text may be neither easy nor medium nor hard.
MODEL m {}
MODEL n {}
SIGNAL keyword code { operator: "OR"  keywords: ["code"] }
SIGNAL complexity effort {
  composer: { operator: "AND"  conditions: [{ type: "keyword", name: "code" }] }
  hard: { candidates: ["Prove it"] }
  easy: { candidates: ["Say hello"] }
}
ROUTE light { WHEN complexity("effort:easy") OR complexity("effort:medium")  MODEL "m" }
ROUTE heavy { WHEN complexity("effort:hard")  MODEL "n" }
