# expect: contradiction 7
# The closing days of 2026 are from Thursday the 24th to Monday the 28th: there is no Tuesday among them.
MODEL m {}
MODEL n {}
SIGNAL time closing { date_from: "2026-12-24"  date_until: "2026-12-28" }
SIGNAL time tuesday { days: ["tue"]  from: "10:00"  to: "11:00" }
ROUTE odd { PRIORITY 9  WHEN time("closing") AND time("tuesday")  MODEL "m" }
ROUTE rest { MODEL "n" }
