# expect: unknown_field 3
MODEL m {}
PLUGIN short system_prompt { prompts: "Be short." }
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")  MODEL "m"  PLUGIN short { system_prompt: "Be short." } }
ROUTE rest { PRIORITY 1  MODEL "m" }
