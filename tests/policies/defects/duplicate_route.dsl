# expect: duplicate 6
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
ROUTE a { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
ROUTE a { MODEL "n" }
ROUTE rest { MODEL "n" }
