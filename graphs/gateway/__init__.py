"""Language models: which there are, what they cost, and how they are called."""
