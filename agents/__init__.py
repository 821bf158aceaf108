"""Agents: what they say of themselves, what they are given, what they give back."""
