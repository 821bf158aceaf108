# expect: not_exhaustive 6
MODEL m {}
SIGNAL metadata there { key: "tier"  exists: true }
SIGNAL metadata gold { key: "tier"  equals: "gold" }
ROUTE gold { PRIORITY 2  WHEN metadata("gold")  MODEL "m" (reasoning = true) }
ROUTE bare { PRIORITY 2  WHEN NOT metadata("there")  MODEL "m" }
