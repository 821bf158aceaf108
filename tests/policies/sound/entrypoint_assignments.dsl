# The door says which models serve which decision.
MODEL rack/one {}
MODEL rack/two {}

SIGNAL keyword draft { operator: "OR"  keywords: ["draft", "sketch"] }

RECIPE default {
  ROUTE drafts { PRIORITY 5  WHEN keyword("draft") }
  ROUTE rest { PRIORITY 1 }
}

ENTRYPOINT {
  model_names: ["auto"]
  recipe: "default"
  assignments: [
    { decision: "drafts", models: [{ model: "rack/one" }] },
    { decision: "rest", models: [{ model: "rack/two" }] }
  ]
}
