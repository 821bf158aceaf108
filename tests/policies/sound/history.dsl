# What was said once keeps the rest of the conversation here; a word of the newest message is another signal.
MODEL near {}
MODEL far {}

SIGNAL keyword told { keywords: ["merger"]  include_history: true }
SIGNAL keyword asked { keywords: ["merger"] }
SIGNAL pii personal { include_history: true }
SIGNAL structure numbers {
  feature: { type: "count", source: { type: "regex", pattern: "[0-9]{4}" } }
  predicate: { gte: 3 }
  include_history: true
}

ROUTE asked { PRIORITY 3  WHEN keyword("asked")  MODEL "near" (reasoning = true) }
ROUTE told { PRIORITY 2  WHEN keyword("told") OR pii("personal") OR structure("numbers")  MODEL "near" }
ROUTE rest { PRIORITY 1  MODEL "far" }

TEST history {
  "what of the merger?" -> asked
  "make it shorter" (previous = ["what of the merger?"]) -> told
  "make it shorter" (context = ["the merger is planned for May"]) -> told
  "and then?" (context = ["mail jo@example.org"]) -> told
  "1111 2222" (context = ["3333"]) -> told
  "make it shorter" -> rest
}
