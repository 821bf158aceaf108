# expect: duplicate 4
MODEL m {}
SIGNAL authz boss { role: "boss" }
AGENT clerk { WHEN NOT authz("boss")  WHEN authz("boss") }
ROUTE rest { PRIORITY 1  MODEL "m" }
