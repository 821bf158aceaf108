# expect: unknown_field 5
MODEL m {}
SIGNAL authz boss { role: "boss" }
GRANT read { WHEN authz("boss") }
AGENT clerk { grant: ["read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
