# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL embedding near { threshold: 0.8  candidates: ["Cancel my contract"] }
SIGNAL embedding about { threshold: 0.5  candidates: ["Cancel my contract"] }
ROUTE odd { PRIORITY 9  WHEN embedding("near") AND NOT embedding("about")  MODEL "m" }
ROUTE rest { MODEL "n" }
