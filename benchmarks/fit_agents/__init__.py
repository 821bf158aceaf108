"""Fits the numbers of graphs/routing/data/agents.npz anew; `__main__` says from what."""
