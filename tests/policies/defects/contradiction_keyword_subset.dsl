# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL keyword few { operator: "OR"  keywords: ["hail", "storm"] }
SIGNAL keyword many { operator: "OR"  keywords: ["storm", "Hail", "flood"] }
ROUTE odd { PRIORITY 9  WHEN keyword("few") AND NOT keyword("many")  MODEL "m" }
ROUTE rest { MODEL "n" }
