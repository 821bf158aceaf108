# Templates of plugins, and a route that changes one field of a template.
MODEL plug/one {}
MODEL plug/two {}

PLUGIN cache semantic_cache { enabled: true  similarity_threshold: 0.92 }
PLUGIN manners system_prompt { system_prompt: "Answer politely."  mode: "insert" }
PLUGIN trace header_mutation { add: [{ name: "x-route", value: "formal" }] }

SIGNAL keyword formal { operator: "OR"  keywords: ["dear sir", "to whom it may concern"] }

ROUTE letters {
  PRIORITY 10
  DESCRIPTION "Letters are polite and never cached"
  WHEN keyword("formal")
  MODEL "plug/one" (reasoning = false)
  PLUGIN manners
  PLUGIN trace
  PLUGIN cache { enabled: false }
}
ROUTE rest { MODEL "plug/two"  PLUGIN cache }
