# expect: shadowed 10
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
DECISION_TREE first {
  IF keyword("loud") { NAME "a"  MODEL "m" }
  ELSE { NAME "b"  MODEL "n" }
}
DECISION_TREE second {
  IF keyword("loud") { NAME "c"  MODEL "n" }
  ELSE { NAME "d"  MODEL "m" }
}
