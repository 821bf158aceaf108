# expect: shadowed 7
# The higher priority does not help: the lower tier comes first.
MODEL m {}
MODEL n {}
SIGNAL keyword loud { operator: "OR"  keywords: ["loud", "noisy"] }
SIGNAL keyword noisy { operator: "OR"  keywords: ["noisy"] }
ROUTE noisy { TIER 2  PRIORITY 900  WHEN keyword("noisy")  MODEL "n" }
ROUTE loud { TIER 1  PRIORITY 1  WHEN keyword("loud")  MODEL "m" }
ROUTE rest { TIER 3  MODEL "m" (reasoning = true) }
