"""A turn as the terminal shows it: the names of `graphs.spoken`, which any other way of talking uses too."""

from graphs.spoken import Ended, Noted, Said, as_approval, question, run_turn

__all__ = ["Ended", "Noted", "Said", "as_approval", "question", "run_turn"]
