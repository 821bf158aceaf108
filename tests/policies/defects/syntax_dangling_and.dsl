# expect: syntax 4
MODEL m {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE a { PRIORITY 1  WHEN keyword("loud") AND  MODEL "m" }
ROUTE b { MODEL "m" }
