# expect: wrong_value 4
MODEL m {}
MODEL n {}
SIGNAL pii personal { threshold: "high" }
ROUTE personal { PRIORITY 1  WHEN pii("personal")  MODEL "m" }
ROUTE rest { MODEL "n" }
