# expect: duplicate 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")  MODEL "m"  PLUGIN tools { mode: "passthrough" }  PLUGIN tools { mode: "none" } }
ROUTE rest { PRIORITY 1  MODEL "m" }
