# expect: contradiction 5
MODEL m {}
SIGNAL metadata gold { key: "tier"  equals: "gold" }
SIGNAL metadata plain { key: "tier"  predicate: { in: ["free", "plain"] } }
ROUTE both { PRIORITY 2  WHEN metadata("gold") AND metadata("plain")  AGENT NONE }
ROUTE rest { PRIORITY 1  MODEL "m" }
