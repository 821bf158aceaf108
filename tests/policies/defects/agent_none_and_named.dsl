# expect: misplaced 4
MODEL m {}
AGENT clerk {}
ROUTE rest { MODEL "m"  AGENT NONE  AGENT "clerk" }
