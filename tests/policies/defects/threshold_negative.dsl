# expect: out_of_range 4
MODEL m {}
MODEL n {}
SIGNAL jailbreak attack { threshold: -0.2 }
ROUTE attack { PRIORITY 1  WHEN jailbreak("attack")  MODEL "m" }
ROUTE rest { MODEL "n" }
