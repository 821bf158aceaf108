# expect: contradiction 5
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE never { PRIORITY 9  WHEN keyword("loud") AND NOT keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "n" }
