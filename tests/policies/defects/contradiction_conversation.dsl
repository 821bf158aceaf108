# expect: contradiction 5
MODEL m {}
SIGNAL conversation many { feature: { type: "count"  source: { type: "user_message" } }  predicate: { gt: 3 } }
SIGNAL conversation few { feature: { type: "count"  source: { type: "user_message" } }  predicate: { lte: 3 } }
ROUTE both { PRIORITY 2  WHEN conversation("many") AND conversation("few")  AGENT NONE }
ROUTE rest { PRIORITY 1  MODEL "m" }
