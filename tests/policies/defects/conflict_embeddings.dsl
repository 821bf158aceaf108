# expect: conflict 7
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
ROUTE cats { PRIORITY 5  WHEN embedding("cats")  MODEL "m" }
ROUTE taxes { PRIORITY 5  WHEN embedding("taxes")  MODEL "n" }
ROUTE rest { MODEL "n" (reasoning = true) }
