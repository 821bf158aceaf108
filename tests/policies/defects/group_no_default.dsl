# expect: no_default 6
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL_GROUP topics { semantics: "exclusive"  members: ["cats", "taxes"] }
ROUTE cats { WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
