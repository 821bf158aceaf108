# expect: wrong_value 4
MODEL m {}
MODEL n {}
SIGNAL phase waiting { phases: ["awaiting_lunch"] }
ROUTE waiting { PRIORITY 1  WHEN phase("waiting")  MODEL "m" }
ROUTE rest { MODEL "n" }
