"""What is known of signals before any input: which can fire together, and which fire with others for certain."""

from graphs.policy.checks.theory.write import write_theory

__all__ = ["write_theory"]
