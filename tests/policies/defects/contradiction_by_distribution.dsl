# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
ROUTE never {
  PRIORITY 9
  WHEN (keyword("loud") OR keyword("fast")) AND NOT keyword("loud") AND NOT keyword("fast")
  MODEL "m"
}
ROUTE rest { MODEL "n" }
