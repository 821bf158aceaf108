# expect: missing_when 3
MODEL m {}
GRANT read { description: "Who may read" }
AGENT clerk { grants: ["read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
