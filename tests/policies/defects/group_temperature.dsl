# expect: out_of_range 6
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL_GROUP topics { semantics: "softmax_exclusive"  temperature: 0  members: ["cats", "taxes"]  default: "cats" }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
