# expect: wrong_value 4
MODEL m {}
ROUTE rest { PRIORITY 1  MODEL "m" }
TEST t { "hello" (users = "ann") -> rest }
