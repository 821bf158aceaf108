# expect: unknown_signal 6
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL_GROUP topics { semantics: "exclusive"  members: ["cats", "taxes", "dogs"]  default: "cats" }
ROUTE taxes { PRIORITY 1  WHEN embedding("taxes")  MODEL "m" }
ROUTE rest { MODEL "n" }
