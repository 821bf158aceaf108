# expect: conflict 6
MODEL m {}
SIGNAL embedding cats { threshold: 0.5  candidates: ["My cat will not eat"] }
SIGNAL embedding taxes { threshold: 0.5  candidates: ["How do I file my tax return"] }
ROUTE cats { WHEN embedding("cats")  MODEL "m"  PLUGIN tools { mode: "none" } }
ROUTE taxes { WHEN embedding("taxes")  MODEL "m" }
GLOBAL { strategy: "confidence"  default_model: "m" }
