# expect: out_of_range 5
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE loud { TIER -1  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { TIER 1  MODEL "n" }
