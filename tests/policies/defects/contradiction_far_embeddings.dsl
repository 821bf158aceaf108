# expect: contradiction 7
# With thresholds of 0.9 no text can be as near to both.
MODEL m {}
MODEL n {}
SIGNAL embedding bread { threshold: 0.9  candidates: ["How long must sourdough rise"] }
SIGNAL embedding law { threshold: 0.9  candidates: ["Which court hears an appeal in a tax case"] }
ROUTE odd { PRIORITY 9  WHEN embedding("bread") AND embedding("law")  MODEL "m" }
ROUTE rest { MODEL "n" }
