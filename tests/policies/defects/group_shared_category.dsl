# expect: shared_category 6
MODEL m {}
MODEL n {}
SIGNAL domain sums { mmlu_categories: ["math", "physics"] }
SIGNAL domain nature { mmlu_categories: ["physics", "biology"] }
PROJECTION partition topics { semantics: "exclusive"  members: ["sums", "nature"]  default: "sums" }
ROUTE sums { PRIORITY 1  WHEN domain("sums")  MODEL "m" }
ROUTE rest { MODEL "n" }
