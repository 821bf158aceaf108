# expect: unknown_agent 5
# known: agents tasks data
MODEL m {}
AGENT tasks {}
AGENT calender {}
ROUTE rest { MODEL "m"  AGENT "tasks" }
