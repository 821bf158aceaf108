# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL domain sums { mmlu_categories: ["math"] }
SIGNAL domain courts { mmlu_categories: ["law"] }
ROUTE odd { PRIORITY 9  WHEN domain("sums") AND domain("courts")  MODEL "m" }
ROUTE rest { MODEL "n" }
