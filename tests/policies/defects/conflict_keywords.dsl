# expect: conflict 7
MODEL m {}
MODEL n {}
SIGNAL keyword buy { operator: "OR"  keywords: ["buy"] }
SIGNAL keyword sell { operator: "OR"  keywords: ["sell"] }
ROUTE buyers { PRIORITY 5  WHEN keyword("buy")  MODEL "m" }
ROUTE sellers { PRIORITY 5  WHEN keyword("sell")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
