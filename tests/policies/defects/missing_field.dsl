# expect: missing_field 4
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5 }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
