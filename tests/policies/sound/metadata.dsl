# What the caller's program sends along chooses the tone, not the rights.
MODEL meta/kids {}
MODEL meta/adults {}

SIGNAL metadata young { key: "audience"  equals: "children" }
SIGNAL metadata known_audience { key: "audience"  exists: true }
SIGNAL conversation long_talk { feature: { type: "count"  source: { type: "message"  role: "user" } }  predicate: { gte: 5 } }

ROUTE children { PRIORITY 3  WHEN metadata("young")  MODEL "meta/kids" }
ROUTE worn { PRIORITY 2  WHEN metadata("known_audience") AND conversation("long_talk")  MODEL "meta/adults" (effort = "low") }
ROUTE adults { PRIORITY 1  MODEL "meta/adults" }
