# expect: duplicate 4
MODEL m {}
SIGNAL authz boss { role: "boss" }
GRANT read { WHEN NOT authz("boss")  WHEN authz("boss") }
AGENT clerk { grants: ["read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
