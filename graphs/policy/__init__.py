"""The policy language: parse, check, decide, compile. No LangGraph but in `targets/graph.py`, no network."""
