# expect: unknown_signal 6
# It is declared, as an embedding.
MODEL m {}
MODEL n {}
SIGNAL embedding billing { threshold: 0.5  candidates: ["Pay my bill"] }
ROUTE a { PRIORITY 1  WHEN keyword("billing")  MODEL "m" }
ROUTE rest { MODEL "n" }
