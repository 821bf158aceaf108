# The form of a text: code in it, questions in it, a picture with it.
MODEL form/code {}
MODEL form/vision {}
MODEL form/text {}

SIGNAL structure fenced { feature: { type: "exists"  source: { type: "regex"  pattern: "```" } } }
SIGNAL structure asks_much { feature: { type: "count"  source: { type: "regex"  pattern: "\\?" } }  predicate: { gte: 3 } }
SIGNAL modality image { description: "A picture comes with it" }

ROUTE picture { PRIORITY 30  WHEN modality("image")  MODEL "form/vision" }
ROUTE code { PRIORITY 20  WHEN structure("fenced") AND NOT structure("asks_much")  MODEL "form/code" }
ROUTE text { MODEL "form/text" }

TEST forms {
  "```x = 1```" -> code
  "what? when? where? ```x```" -> text
  "what is this" (modality = ["text", "image"]) -> picture
}
