# By day a person may be called in, by night only what runs by itself; the hours are the office's.
MODEL night/auto {}
MODEL day/assisted {}

SIGNAL time office { days: ["mon", "tue", "wed", "thu", "fri"]  from: "08:00"  to: "18:00"  zone: "Europe/Berlin" }
SIGNAL time lunch { days: ["mon", "tue", "wed", "thu", "fri"]  from: "12:00"  to: "13:00"  zone: "Europe/Berlin" }
SIGNAL time closing_days { date_from: "2026-12-24"  date_until: "2027-01-01"  zone: "Europe/Berlin" }

ROUTE staffed {
  PRIORITY 20
  WHEN time("office") AND NOT time("lunch") AND NOT time("closing_days")
  MODEL "day/assisted"
}
ROUTE alone { MODEL "night/auto" }

TEST hours {
  "please call me back" (time = "2026-11-30T09:00+01:00") -> staffed
  "please call me back" (time = "2026-11-30T12:30+01:00") -> alone
  "please call me back" (time = "2026-11-29T09:00+01:00") -> alone
  "please call me back" (time = "2026-12-28T09:00+01:00") -> alone
}
