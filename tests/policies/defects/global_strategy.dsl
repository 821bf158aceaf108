# expect: wrong_value 3
MODEL m {}
GLOBAL { strategy: "confidense" }
ROUTE rest { PRIORITY 1  MODEL "m" }
