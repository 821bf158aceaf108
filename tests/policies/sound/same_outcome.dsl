# A rule of its own for the record: it serves as the next one does.
MODEL m {}
MODEL n {}
SIGNAL keyword small { operator: "OR"  keywords: ["small"] }
ROUTE small { PRIORITY 5  WHEN keyword("small")  MODEL "n" }
ROUTE rest { MODEL "n" }
