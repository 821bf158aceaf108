# expect: unknown_signal_type 4
MODEL m {}
MODEL n {}
SIGNAL keywrod urgent { operator: "OR"  keywords: ["urgent"] }
ROUTE a { PRIORITY 1  WHEN keywrod("urgent")  MODEL "m" }
ROUTE rest { MODEL "n" }
