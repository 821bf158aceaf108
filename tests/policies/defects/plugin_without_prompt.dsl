# expect: unknown_field 4, missing_field 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")  MODEL "m"  PLUGIN system_prompt { prompt: "Be short." } }
ROUTE rest { PRIORITY 1  MODEL "m" }
