# expect: redundant 7
MODEL m {}
MODEL n {}
SIGNAL embedding loud { threshold: 0.6  candidates: ["Why is it so loud"] }
SIGNAL embedding fast { threshold: 0.6  candidates: ["How fast is it"] }
ROUTE one { PRIORITY 5  WHEN NOT embedding("loud") AND embedding("fast")  MODEL "m" }
ROUTE two { PRIORITY 5  WHEN NOT (embedding("loud") OR NOT embedding("fast"))  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
