# expect: syntax 3
MODEL m {}
ROUT a { MODEL "m" }
ROUTE b { MODEL "m" }
