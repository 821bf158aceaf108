# expect: unknown_field 3
MODEL m {}
GLOBAL { defualt_model: "m" }
ROUTE rest { PRIORITY 1  MODEL "m" }
