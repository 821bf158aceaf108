# expect: syntax 5, syntax 9, syntax 13
MODEL m {}
ROUTE a {
  WHEN keyword(loud
  MODEL "m"
}
ROUTE b {
  PRIORITY 5
  WHEN keyword("loud") ADN keyword("soft")
  MODEL "m"
}
SIGNAL keyword loud {
  operator "OR"
  keywords: ["LOUD"]
}
SIGNAL keyword soft { operator: "OR"  keywords: ["soft"] }
