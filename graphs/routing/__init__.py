"""Choosing an agent and a model by embedding. No LangGraph, no network."""
