"""Whether an answer holds: checks that are made before it is shown, and what they are worth."""
