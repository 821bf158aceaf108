# expect: test_failed 8
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE loud { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "n" }
TEST words {
  "louder than ever" -> loud
  "so loud" -> loud
}
