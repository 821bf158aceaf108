# expect: unknown_field 4
MODEL m {}
SIGNAL keyword odd { keywords: ["odd"] }
ROUTE odd { PRIORITY 2  WHEN keyword("odd")  MODEL "m"  PLUGIN Tools { mode: "passthrough"  block_tool: ["x"] } }
ROUTE rest { PRIORITY 1  MODEL "m" }
