# expect: shadowed 7
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
ROUTE wide { PRIORITY 20  WHEN keyword("loud")  MODEL "m" }
ROUTE narrow { PRIORITY 10  WHEN keyword("loud") AND keyword("fast")  MODEL "n" }
ROUTE rest { MODEL "n" }
