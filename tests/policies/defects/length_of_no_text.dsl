# expect: out_of_range 3
MODEL m {}
SIGNAL length odd { max_chars: 3  min_words: 10 }
ROUTE odd { PRIORITY 2  WHEN length("odd")  AGENT NONE }
ROUTE rest { PRIORITY 1  MODEL "m" }
