# expect: duplicate 7
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
DECISION_TREE t {
  IF keyword("loud") { NAME "a"  MODEL "m" }
  ELSE { NAME "a"  MODEL "n" }
}
