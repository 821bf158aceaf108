# What the last answer was worth, and whether the same is asked again.
MODEL fb/first {}
MODEL fb/better {}
MODEL fb/best {}

SIGNAL user_feedback wrong_answer { description: "The user says that the answer was wrong" }
SIGNAL reask again { threshold: 0.85  lookback_turns: 1 }
SIGNAL reask thrice { threshold: 0.85  lookback_turns: 2 }

ROUTE stubborn { PRIORITY 30  WHEN reask("thrice")  MODEL "fb/best" }
ROUTE repair { PRIORITY 20  WHEN user_feedback("wrong_answer") OR reask("again")  MODEL "fb/better" }
ROUTE rest { MODEL "fb/first" }
