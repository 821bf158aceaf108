"""What a policy reads of a turn: a file for each family of signals, and the `Reader` that asks them."""
