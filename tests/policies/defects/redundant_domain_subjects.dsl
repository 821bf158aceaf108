# expect: redundant 5
SIGNAL domain algebra { mmlu_categories: ["abstract_algebra"] }
SIGNAL domain math {}
ROUTE one { PRIORITY 2 WHEN domain("algebra") MODEL "m" }
ROUTE two { PRIORITY 2 WHEN domain("math") MODEL "n" }
ROUTE rest { PRIORITY 1 MODEL "m" }
