# expect: out_of_range 2
SIGNAL time night { days: ["mon"] from: "24:00" to: "06:00" }
ROUTE a { PRIORITY 2 WHEN time("night") MODEL "m" }
ROUTE b { PRIORITY 1 MODEL "n" }
