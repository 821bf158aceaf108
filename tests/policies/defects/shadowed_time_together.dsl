# expect: shadowed 10
# Morning and afternoon leave nothing of the day.
MODEL m {}
MODEL n {}
SIGNAL time morning { from: "06:00"  to: "12:00" }
SIGNAL time afternoon { from: "12:00"  to: "18:00" }
SIGNAL time noon { from: "11:30"  to: "12:30" }
ROUTE morning { PRIORITY 30  WHEN time("morning")  MODEL "m" }
ROUTE afternoon { PRIORITY 20  WHEN time("afternoon")  MODEL "n" }
ROUTE noon { PRIORITY 10  WHEN time("noon")  MODEL "m" (reasoning = true) }
ROUTE rest { MODEL "n" (reasoning = true) }
