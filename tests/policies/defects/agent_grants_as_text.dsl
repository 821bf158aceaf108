# expect: wrong_value 5
MODEL m {}
SIGNAL authz boss { role: "boss" }
GRANT read { WHEN authz("boss") }
AGENT clerk { grants: "read" }
ROUTE rest { PRIORITY 1  MODEL "m" }
