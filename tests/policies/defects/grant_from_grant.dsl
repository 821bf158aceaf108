# expect: cycle 5
MODEL m {}
SIGNAL authz boss { role: "boss" }
SIGNAL grant write { grant: "data.write" }
GRANT data.read { WHEN grant("write") }
GRANT data.write { WHEN authz("boss") }
AGENT clerk { grants: ["data.read"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
