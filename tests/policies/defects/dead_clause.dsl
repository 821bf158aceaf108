# expect: dead_clause 9
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL context short { max_tokens: 100 }
SIGNAL context long { min_tokens: 5000 }
ROUTE some {
  PRIORITY 1
  WHEN keyword("loud") OR (context("short") AND context("long"))
  MODEL "m"
}
ROUTE rest { MODEL "n" }
