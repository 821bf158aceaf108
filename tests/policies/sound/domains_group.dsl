# Three domains in a group: one of them always wins, so there is no rest.
MODEL tutor/numbers {}
MODEL tutor/statutes {}
MODEL tutor/bodies {}

SIGNAL domain numbers { mmlu_categories: ["math", "physics"] }
SIGNAL domain statutes { mmlu_categories: ["law"] }
SIGNAL domain bodies { mmlu_categories: ["health", "biology"] }

PROJECTION partition subjects {
  semantics: "softmax_exclusive"
  temperature: 0.1
  members: ["numbers", "statutes", "bodies"]
  default: "statutes"
}

ROUTE count { WHEN domain("numbers")  MODEL "tutor/numbers" }
ROUTE judge { WHEN domain("statutes")  MODEL "tutor/statutes" }
ROUTE heal { WHEN domain("bodies")  MODEL "tutor/bodies" }
