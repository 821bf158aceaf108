# expect: unknown_field 4
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"]  case_sensitve: true }
ROUTE loud { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "n" }
