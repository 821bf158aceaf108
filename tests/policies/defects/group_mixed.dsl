# expect: mixed_group 6
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL domain courts { mmlu_categories: ["law"] }
PROJECTION partition topics { semantics: "exclusive"  members: ["cats", "courts"]  default: "cats" }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
