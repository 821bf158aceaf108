"""The command of policies."""
