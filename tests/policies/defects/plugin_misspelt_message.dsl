# expect: unknown_field 4, missing_field 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")    PLUGIN fast_response { mesage: "No." } }
ROUTE rest { PRIORITY 1  MODEL "m" }
