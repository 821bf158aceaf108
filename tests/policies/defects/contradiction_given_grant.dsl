# expect: contradiction 5
SIGNAL time office { days: ["mon","tue","wed","thu","fri"] from: "07:00" to: "20:00" }
SIGNAL grant data { grant: "data.read" }
GRANT "data.read" { WHEN time("office") }
ROUTE never { PRIORITY 3 WHEN grant("data") AND NOT time("office") MODEL "m" }
ROUTE b { PRIORITY 1 MODEL "n" }
