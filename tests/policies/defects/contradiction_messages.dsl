# expect: contradiction 5
MODEL m {}
SIGNAL conversation many { feature: { type: "count"  source: { type: "user_message" } }  predicate: { gte: 3 } }
SIGNAL conversation few { feature: { type: "count"  source: { type: "message" } }  predicate: { lt: 5 } }
ROUTE both { PRIORITY 2  WHEN conversation("many") AND conversation("few")  AGENT NONE }
ROUTE rest { PRIORITY 1  MODEL "m" }
