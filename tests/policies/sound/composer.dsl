# Difficulty is asked only of texts about code.
MODEL comp/plain {}
MODEL comp/code {}
MODEL comp/deep {}

SIGNAL keyword code { operator: "OR"  keywords: ["function", "compiler", "stack trace"] }
SIGNAL complexity puzzle {
  threshold: 0.1
  composer: { operator: "AND"  conditions: [{ type: "keyword", name: "code" }] }
  hard: { candidates: ["Find the deadlock in this scheduler"] }
  easy: { candidates: ["Rename this variable"] }
}

ROUTE deep { PRIORITY 3  WHEN complexity("puzzle:hard")  MODEL "comp/deep" }
ROUTE code { PRIORITY 2  WHEN keyword("code")  MODEL "comp/code" }
ROUTE rest { PRIORITY 1  MODEL "comp/plain" }
