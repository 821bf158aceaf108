# expect: wrong_value 3
MODEL m {}
ROUTE rest { PRIORITY 1  MODEL "m" }  TEST t { "hello" (modality = "smell") -> rest }
