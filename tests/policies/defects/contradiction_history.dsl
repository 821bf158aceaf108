# expect: contradiction 6
MODEL m {}
SIGNAL keyword told { keywords: ["merger"]  include_history: true }
SIGNAL keyword asked { keywords: ["the merger"] }
ROUTE rest { PRIORITY 1  MODEL "m" }
ROUTE never { PRIORITY 2  WHEN keyword("asked") AND NOT keyword("told")  AGENT NONE }
