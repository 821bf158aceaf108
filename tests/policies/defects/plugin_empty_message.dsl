# expect: wrong_value 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")    PLUGIN fast-response { message: " " } }
ROUTE rest { PRIORITY 1  MODEL "m" }
