# expect: syntax 5
MODEL m {}
ROUTE a {
  MODEL "m"
