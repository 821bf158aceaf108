# expect: out_of_range 4
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 1.4  candidates: ["My cat will not eat"] }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
ROUTE rest { MODEL "n" }
