# expect: wrong_value 3
MODEL m {}
GLOBAL { default_model: 5 }
ROUTE rest { PRIORITY 1  MODEL "m" }
