# expect: syntax 4
MODEL m {}
ROUTE a {
  PRIORITY high
  MODEL "m"
}
