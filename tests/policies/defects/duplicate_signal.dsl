# expect: duplicate 5
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud"] }
SIGNAL keyword loud { operator: "OR"  keywords: ["noisy"] }
ROUTE a { PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { MODEL "n" }
