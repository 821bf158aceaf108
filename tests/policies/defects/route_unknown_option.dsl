# expect: unknown_field 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd (priority = 300) { PRIORITY 2  WHEN keyword("odd")  MODEL "m" }
ROUTE rest { PRIORITY 1  MODEL "m" }
