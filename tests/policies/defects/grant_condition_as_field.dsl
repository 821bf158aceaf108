# expect: unknown_field 4, missing_when 4
MODEL m {}
SIGNAL authz boss { role: "boss" }
GRANT read { when: "authz(boss)" }
AGENT clerk { grants: ["read"]  WHEN authz("boss") }
ROUTE rest { PRIORITY 1  MODEL "m" }
