# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL time weekend { days: ["sat", "sun"]  zone: "Europe/Paris" }
SIGNAL time monday { days: ["mon"]  from: "08:00"  to: "12:00"  zone: "Europe/Paris" }
ROUTE odd { PRIORITY 9  WHEN time("weekend") AND time("monday")  MODEL "m" }
ROUTE rest { MODEL "n" }
