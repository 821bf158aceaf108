# expect: unknown_agent 5
MODEL m {}
AGENT tasks {}
AGENT data {}
ROUTE rest { MODEL "m"  AGENT "task", "data" }
