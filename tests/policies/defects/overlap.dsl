# expect: overlap 5
MODEL m {}
MODEL n {}
SIGNAL embedding parcel { threshold: 0.55  candidates: ["Where is my parcel", "Track my package"] }
SIGNAL embedding delivery { threshold: 0.5  candidates: ["Where is my package now", "When will it be delivered"] }
ROUTE parcel { PRIORITY 9  WHEN embedding("parcel")  MODEL "m" }
ROUTE delivery { PRIORITY 5  WHEN embedding("delivery")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
