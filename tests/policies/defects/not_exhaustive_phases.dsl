# expect: not_exhaustive
MODEL m {}
MODEL n {}
SIGNAL phase open { phases: ["idle", "engaged"] }
SIGNAL phase waiting { phases: ["awaiting_input", "awaiting_choice", "awaiting_approval"] }
ROUTE open { WHEN phase("open")  MODEL "m" }
ROUTE waiting { WHEN phase("waiting")  MODEL "n" }
