# A span over midnight belongs to the day on which it begins.
MODEL shift/night {}
MODEL shift/day {}

SIGNAL time night { days: ["fri", "sat"]  from: "22:00"  to: "06:00" }
SIGNAL time morning { from: "06:00"  to: "12:00" }

ROUTE late { PRIORITY 2  WHEN time("night") AND NOT time("morning")  MODEL "shift/night" }
ROUTE usual { PRIORITY 1  MODEL "shift/day" }

TEST shift {
  "are you there" (time = "2026-11-28T03:00+00:00") -> late
  "are you there" (time = "2026-11-30T03:00+00:00") -> usual
}
