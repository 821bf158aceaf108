# A group of examples keeps two near topics apart.
MODEL shop/orders {}
MODEL shop/returns {}
MODEL shop/other {}

SIGNAL embedding orders { threshold: 0.55  candidates: ["Where is my parcel", "When will my order arrive"] }
SIGNAL embedding returns { threshold: 0.55  candidates: ["I want to send this back", "How do I return my order"] }
SIGNAL embedding small_talk { threshold: 0.4  candidates: ["Hello there", "Thank you very much"] }

SIGNAL_GROUP topics {
  semantics: "exclusive"
  members: ["orders", "returns", "small_talk"]
  default: "small_talk"
}

ROUTE parcel { PRIORITY 5  WHEN embedding("orders")  MODEL "shop/orders" }
ROUTE back { PRIORITY 5  WHEN embedding("returns")  MODEL "shop/returns" }
ROUTE chat { PRIORITY 1  MODEL "shop/other" }
