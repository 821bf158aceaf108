# expect: contradiction 5
MODEL m {}
SIGNAL time early { from: "05:00"  to: "07:00" }
SIGNAL time late { from: "21:00"  to: "23:00" }
GRANT door.open { WHEN time("early") AND time("late") }
ROUTE rest { MODEL "m" }
