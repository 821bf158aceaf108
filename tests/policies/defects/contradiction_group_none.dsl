# expect: contradiction 8
# The default fires where no other member does, so one of them always fires.
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
SIGNAL_GROUP topics { semantics: "softmax_exclusive"  temperature: 0.2  members: ["cats", "taxes"]  default: "cats" }
ROUTE odd { PRIORITY 9  WHEN NOT embedding("cats") AND NOT embedding("taxes")  MODEL "m" }
ROUTE rest { MODEL "n" }
