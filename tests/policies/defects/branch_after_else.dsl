# expect: misplaced 8
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
DECISION_TREE t {
  ELSE { NAME "a"  MODEL "m" }
  IF keyword("loud") AND keyword("fast") { NAME "b"  MODEL "n" }
}
