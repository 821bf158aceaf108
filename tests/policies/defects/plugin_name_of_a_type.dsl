# expect: ambiguous 3
MODEL m {}
PLUGIN fast_response tools { mode: "none" }
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")  MODEL "m"  PLUGIN fast_response }
ROUTE rest { PRIORITY 1  MODEL "m" }
