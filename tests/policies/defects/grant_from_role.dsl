# expect: cycle 5
SIGNAL time always { from: "00:00" to: "23:59" }
GRANT "role:x" { WHEN time("always") }
SIGNAL authz ax { role: "x" }
GRANT y { WHEN authz("ax") }
ROUTE a { PRIORITY 1 MODEL "m" }
