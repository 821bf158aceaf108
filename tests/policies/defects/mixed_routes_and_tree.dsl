# expect: mixed 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE a { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
DECISION_TREE t {
  ELSE { NAME "b"  MODEL "n" }
}
