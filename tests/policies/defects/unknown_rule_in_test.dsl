# expect: unknown_rule 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE loud { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
TEST words { "so loud" -> luod }
ROUTE rest { MODEL "n" }
