# expect: tautology 5
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE everything { PRIORITY 1  WHEN keyword("loud") OR NOT keyword("loud")  MODEL "m" }
