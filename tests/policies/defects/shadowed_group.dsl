# expect: shadowed 9
# One of the members always wins, so nothing is left for the words.
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL keyword hello { operator: "OR"  keywords: ["hello"] }
SIGNAL_GROUP topics { semantics: "exclusive"  members: ["cats", "taxes"]  default: "cats" }
ROUTE words { PRIORITY 1  WHEN keyword("hello")  MODEL "m" (reasoning = true) }
ROUTE cats { PRIORITY 3  WHEN embedding("cats")  MODEL "m" }
ROUTE taxes { PRIORITY 2  WHEN embedding("taxes")  MODEL "n" }
