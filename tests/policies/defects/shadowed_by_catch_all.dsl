# expect: shadowed 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE rest { PRIORITY 50  MODEL "m" }
ROUTE loud { PRIORITY 10  WHEN keyword("loud")  MODEL "n" }
