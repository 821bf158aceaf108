# expect: unknown_signal 5
MODEL m {}
MODEL n {}
SIGNAL complexity effort { hard: { candidates: ["Prove it"] }  easy: { candidates: ["Say hello"] } }
ROUTE a { PRIORITY 1  WHEN complexity("effort:difficult")  MODEL "m" }
ROUTE rest { MODEL "n" }
