# expect: overlap 5
MODEL m {}
MODEL n {}
SIGNAL embedding cooking { threshold: 0.35  candidates: ["How do I bake bread"] }
SIGNAL embedding chemistry { threshold: 0.35  candidates: ["Which acid is in vinegar"] }
ROUTE cooking { PRIORITY 9  WHEN embedding("cooking")  MODEL "m" }
ROUTE chemistry { PRIORITY 5  WHEN embedding("chemistry")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
TEST kitchen { "Which acid makes the vinegar in bread dough sour when I bake?" -> cooking }
