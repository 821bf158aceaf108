# expect: member_of_two 8
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL embedding talk { threshold: 0.5  candidates: ["Hello"] }
SIGNAL_GROUP topics { semantics: "exclusive"  members: ["cats", "taxes"]  default: "cats" }
SIGNAL_GROUP others { semantics: "exclusive"  members: ["taxes", "talk"]  default: "talk" }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
