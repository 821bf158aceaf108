"""A personal task list: add, list, complete, reopen, reschedule, rename and delete, in English words.

It keeps what the user asked it to keep and shows it when asked; it rings no alarm and knows no router.
"""

from agents.tasks.graph import build

__all__ = ["build"]
