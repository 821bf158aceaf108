# expect: unknown_algorithm 4
MODEL m {}
MODEL n {}
ROUTE rest { MODEL "m", "n"  ALGORITHM ello {} }
