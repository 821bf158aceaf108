# Two recipes in one file, each with a door of its own.
MODEL rack/fast {}
MODEL rack/deep {}

SIGNAL keyword sums { operator: "OR"  keywords: ["add up", "in total"] }

RECIPE thrifty {
  ROUTE sums { PRIORITY 10  WHEN keyword("sums")  MODEL "rack/deep" }
  ROUTE rest { MODEL "rack/fast" }
}
RECIPE lavish {
  SIGNAL context tiny { max_tokens: 50 }
  ROUTE tiny { PRIORITY 10  WHEN context("tiny") AND NOT keyword("sums")  MODEL "rack/fast" }
  ROUTE rest { MODEL "rack/deep" }
}

ENTRYPOINT { model_names: ["auto"]  recipe: "thrifty" }
ENTRYPOINT { model_names: ["best"]  recipe: "lavish" }
