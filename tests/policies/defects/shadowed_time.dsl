# expect: shadowed 7
MODEL m {}
MODEL n {}
SIGNAL time office { days: ["mon", "tue", "wed", "thu", "fri"]  from: "08:00"  to: "18:00" }
SIGNAL time meeting { days: ["tue"]  from: "10:00"  to: "11:30" }
ROUTE office { PRIORITY 20  WHEN time("office")  MODEL "m" }
ROUTE meeting { PRIORITY 10  WHEN time("meeting")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
