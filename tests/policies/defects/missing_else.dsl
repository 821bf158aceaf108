# expect: missing_else 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
DECISION_TREE t {
  IF keyword("loud") { NAME "a"  MODEL "m" }
  ELSE IF keyword("fast") { NAME "b"  MODEL "n" }
}
