# expect: shadowed 7
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
DECISION_TREE t {
  IF keyword("loud") OR NOT keyword("loud") AND keyword("loud") { NAME "a"  MODEL "m" }
  ELSE IF keyword("loud") { NAME "b"  MODEL "n" }
  ELSE { NAME "c"  MODEL "n" }
}
