# expect: unknown_grant 5
MODEL m {}
SIGNAL authz analyst { subjects: [{ kind: "group", name: "data-team" }] }
GRANT data.read { WHEN authz("analyst") }
AGENT data { grants: ["data.raed"] }
ROUTE rest { MODEL "m"  AGENT "data" }
