SIGNAL domain algebra { mmlu_categories: ["abstract_algebra", "college_mathematics"] }
SIGNAL domain math {}
ROUTE one { PRIORITY 2 WHEN domain("algebra") AND domain("math") MODEL "m" }
ROUTE rest { PRIORITY 1 MODEL "m" }
