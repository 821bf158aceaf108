# Words alone, each list with a priority of its own.
MODEL desk/billing {}
MODEL desk/travel {}
MODEL desk/general {}

SIGNAL keyword invoice { operator: "OR"  keywords: ["invoice", "receipt", "refund"] }
SIGNAL keyword trip { operator: "OR"  keywords: ["flight", "hotel", "train ticket"] }
SIGNAL keyword both_ways { operator: "AND"  keywords: ["outbound", "return"] }

ROUTE money { PRIORITY 30  WHEN keyword("invoice")  MODEL "desk/billing" }
ROUTE journeys {
  PRIORITY 20
  WHEN (keyword("trip") OR keyword("both_ways")) AND NOT keyword("invoice")
  MODEL "desk/travel"
}
ROUTE rest { MODEL "desk/general" }

TEST words {
  "I want a refund for my hotel" -> money
  "book me a flight to Oslo" -> journeys
  "hotels are not hotel" -> journeys
  "good morning" -> rest
}
