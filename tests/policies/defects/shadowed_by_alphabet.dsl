# expect: shadowed 7
# Equal priorities and sure signals: the alphabet decides, and always against the second.
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword fast { operator: "OR"  keywords: ["fast"] }
ROUTE zeta { PRIORITY 5  WHEN keyword("loud") AND keyword("fast")  MODEL "n" }
ROUTE alpha { PRIORITY 5  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "n" (reasoning = true) }
