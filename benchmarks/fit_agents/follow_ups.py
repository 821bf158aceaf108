"""Writes what people say to go on with whoever they are talking to, whatever that is about.

Such texts ask for the same things as general requests do (explain, summarise, translate), but of what was just said.
"""

from itertools import product

__all__ = ["follow_ups"]

_FRAMES = (
    "Explain {r}", "What does {r} mean?", "Explain to me what {r} means", "Summarize {r}", "Show me {r}",
    "Show me {r} again, please", "Read {r} to me", "Quote {r}", "Who wrote {r}?", "Translate {r}", "Delete {r}",
    "Rename {r}", "Change {r}", "Mark {r} as done", "Undo {r}", "Sort {r} by date", "Why is {r} so high?",
    "How did you get {r}?", "Where does {r} come from?", "Is {r} right?", "Compare {r} with the one before",
    "Divide {r} by 3", "Add 10 to {r}", "Round {r} to two digits", "What about {r}?", "And {r}?",
    "How many are in {r}?", "Which of {r} is the largest?", "What is the highest value in {r}?",
    "Who has the most in {r}?", "Send {r} to me", "Save {r}", "Move {r} to tomorrow", "Use {r} instead",
    "Give me {r} as a table", "Plot {r}", "Filter {r} by city", "Write {r} in one line", "Make {r} shorter",
    "Do {r} once more",
)  # fmt: skip
_REFERRED_TO = (
    "that", "it", "this", "these", "the first one", "the second one", "the last one", "the other one", "the result",
    "the number", "the answer", "the list", "the table", "the query", "the code", "the file", "the third page",
    "the first paragraph", "the last section", "the clause on payment", "the passage on delivery", "the contract",
    "the invoice", "the order", "the total", "the average", "the entry", "the appointment", "the reminder", "the task",
    "my notes", "the chart", "the source", "the summary", "the customers",
)  # fmt: skip


def follow_ups() -> list[str]:
    """Return the texts."""
    return [frame.format(r=referred) for frame, referred in product(_FRAMES, _REFERRED_TO)]
