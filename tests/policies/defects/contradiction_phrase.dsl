# expect: contradiction 7
# Who says "very urgent" says "urgent".
MODEL m {}
MODEL n {}
SIGNAL keyword very { operator: "OR"  keywords: ["very urgent"] }
SIGNAL keyword any { operator: "OR"  keywords: ["urgent", "asap"] }
ROUTE odd { PRIORITY 9  WHEN keyword("very") AND NOT keyword("any")  MODEL "m" }
ROUTE rest { MODEL "n" }
