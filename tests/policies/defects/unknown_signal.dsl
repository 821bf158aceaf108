# expect: unknown_signal 4
MODEL m {}
SIGNAL keyword urgent { operator: "OR"  keywords: ["urgent"] }
ROUTE a { PRIORITY 1  WHEN keyword("urgnet")  MODEL "m" (reasoning = true) }
ROUTE rest { MODEL "m" }
