# expect: grant_from_text 4
MODEL m {}
SIGNAL phase idle {}
GRANT read { WHEN phase("idle") }
AGENT clerk { grants: ["read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
