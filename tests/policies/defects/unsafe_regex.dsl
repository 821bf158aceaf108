# expect: unsafe_regex 4
MODEL m {}
MODEL n {}
SIGNAL keyword twice { operator: "OR"  method: "regex"  keywords: ["(\\w+) \\1"] }
ROUTE twice { PRIORITY 1  WHEN keyword("twice")  MODEL "m" }
ROUTE rest { MODEL "n" }
