# expect: cycle 5
MODEL m {}
SIGNAL authz blocked { role: "blocked" }
SIGNAL authz mallory { subjects: [{ kind: "user", name: "mallory" }] }
GRANT data.read { WHEN NOT authz("blocked") }
GRANT blocked { WHEN authz("mallory") }
AGENT data { grants: ["data.read"] }
ROUTE rest { PRIORITY 1 MODEL "m" }
