# expect: not_exhaustive
MODEL m {}
MODEL n {}
SIGNAL keyword buy { operator: "OR"  keywords: ["buy", "order"] }
SIGNAL keyword sell { operator: "OR"  keywords: ["sell", "offer"] }
ROUTE buyers { PRIORITY 2  WHEN keyword("buy")  MODEL "m" }
ROUTE sellers { PRIORITY 1  WHEN keyword("sell")  MODEL "n" }
