# expect: contradiction 5
MODEL m {}
MODEL n {}
SIGNAL complexity effort { hard: { candidates: ["Prove it"] }  easy: { candidates: ["Say hello"] } }
ROUTE odd { PRIORITY 9  WHEN complexity("effort:easy") AND complexity("effort")  MODEL "m" }
ROUTE rest { MODEL "n" }
