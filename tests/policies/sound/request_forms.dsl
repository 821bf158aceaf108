# What a request is made of: its metadata, its messages, its tools and its images.
MODEL small {}
MODEL large {}
MODEL eyes {}

SIGNAL metadata tier { key: "tier"  exists: true }
SIGNAL metadata no_tier { key: "tier"  exists: false }
SIGNAL metadata gold { key: "tier"  equals: "gold" }
SIGNAL conversation long { feature: { type: "count"  source: { type: "message"  role: "user" } }  predicate: { gt: 3 } }
SIGNAL conversation short { feature: { type: "count"  source: { type: "user_message" } }  predicate: { lte: 3 } }
SIGNAL modality image {}

ROUTE image { PRIORITY 5  WHEN modality("image")  MODEL "eyes" }
ROUTE gold { PRIORITY 4  WHEN metadata("gold")  MODEL "large" (reasoning = true) }
ROUTE paid { PRIORITY 3  WHEN metadata("tier") AND conversation("long")  MODEL "large" }
ROUTE first { PRIORITY 3  WHEN metadata("tier") AND conversation("short")  MODEL "small" (reasoning = true) }
ROUTE free { PRIORITY 3  WHEN metadata("no_tier")  MODEL "small" }

TEST forms {
  "hello" -> free
  "hello" (metadata = { tier: "gold" }) -> gold
  "hello" (metadata = { tier: "silver" }) -> first
  "hello" (metadata = { tier: "silver" }, previous = ["a", "b", "c"]) -> paid
  "what is this?" (modality = ["text", "image"]) -> image
}
