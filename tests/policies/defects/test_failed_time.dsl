# expect: test_failed 7
# 18:30 in Berlin is 17:30 UTC, and the office is open by Berlin's clock.
MODEL m {}
MODEL n {}
SIGNAL time office { from: "09:00"  to: "18:00"  zone: "Europe/Berlin" }
ROUTE office { PRIORITY 1  WHEN time("office")  MODEL "m" }
TEST hours { "hello" (time = "2026-11-30T17:30+00:00") -> office }
ROUTE rest { MODEL "n" }
