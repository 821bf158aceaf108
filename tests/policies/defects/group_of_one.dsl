# expect: group_members 5
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL_GROUP topics { semantics: "exclusive"  members: ["cats"]  default: "cats" }
ROUTE cats { PRIORITY 1  WHEN keyword("hi") MODEL "m" }
SIGNAL keyword hi { operator: "OR"  keywords: ["hi"] }
ROUTE rest { MODEL "n" }
