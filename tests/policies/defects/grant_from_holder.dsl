# expect: grant_from_text 4
MODEL m {}
SIGNAL holder clerk {}
GRANT read { WHEN holder("clerk") }
AGENT clerk { grants: ["read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
