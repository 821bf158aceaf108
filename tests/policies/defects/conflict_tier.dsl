# expect: conflict 7
MODEL m {}
MODEL n {}
SIGNAL jailbreak attack { threshold: 0.5 }
SIGNAL pii personal { threshold: 0.5 }
ROUTE attack { TIER 1  PRIORITY 300  WHEN jailbreak("attack")  MODEL "m" }
ROUTE personal { TIER 1  PRIORITY 200  WHEN pii("personal")  MODEL "n" }
ROUTE rest { TIER 2  MODEL "n" (reasoning = true) }
