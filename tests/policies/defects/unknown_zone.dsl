# expect: wrong_value 4
MODEL m {}
MODEL n {}
SIGNAL time office { days: ["mon"]  from: "09:00"  to: "17:00"  zone: "Europe/Berlinn" }
ROUTE office { PRIORITY 1  WHEN time("office")  MODEL "m" }
ROUTE rest { MODEL "n" }
