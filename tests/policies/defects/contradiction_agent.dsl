# expect: contradiction 6
MODEL m {}
SIGNAL phase idle { phases: ["idle"] }
SIGNAL phase closed { phases: ["closed"] }
GRANT notes.read {}
AGENT notes { grants: ["notes.read"]  WHEN phase("idle") AND phase("closed") }
ROUTE rest { MODEL "m"  AGENT "notes" }
