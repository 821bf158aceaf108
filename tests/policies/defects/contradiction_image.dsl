# expect: contradiction 5
MODEL m {}
SIGNAL modality image {}
SIGNAL conversation image { feature: { type: "exists"  source: { type: "image_content" } } }
ROUTE both { PRIORITY 2  WHEN modality("image") AND NOT conversation("image")  AGENT NONE }
ROUTE rest { PRIORITY 1  MODEL "m" }
