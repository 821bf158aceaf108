# expect: contradiction 6
MODEL m {}
MODEL n {}
SIGNAL language es { description: "Spanish" }
SIGNAL language it { description: "Italian" }
ROUTE odd { PRIORITY 9  WHEN language("es") AND language("it")  MODEL "m" }
ROUTE rest { MODEL "n" }
