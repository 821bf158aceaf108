# expect: wrong_value 3
MODEL m {}
TEST hours { "hello" (time = "tomorrow") -> rest }
ROUTE rest { MODEL "m" }
