# expect: test_failed 6
MODEL m {}
MODEL n {}
SIGNAL embedding cats { threshold: 0.7  candidates: ["My cat will not eat", "Is this food safe for kittens"] }
ROUTE cats { PRIORITY 1  WHEN embedding("cats")  MODEL "m" }
TEST pets { "How do I file my tax return" -> cats }
ROUTE rest { MODEL "n" }
