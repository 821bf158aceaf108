"""The sentences that the documents agent says. Pure: it knows reports and quotes, no index and no graph."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from agents.documents.folder import Report
from agents.documents.quotes import Quote, blockquote, count, escape
from agents.documents.store import Document
from agents.folders import readable_path

_KINDS = "txt, md, html, pdf or docx files"
_LISTED = 50
_PROBLEMS = 10


def sentence(reason: str) -> str:
    """Return a reason as a sentence for the user."""
    return f"{reason[0].upper()}{reason[1:]}."


def no_folder(folder: Path) -> str:
    """Return what to do when the folder is not there."""
    name = readable_path(folder)
    return (
        f"the documents folder {name} does not exist: create it, put {_KINDS} in it and ask again"
    )


def empty_folder(folder: Path) -> str:
    """Return what to do when nothing in the folder can be indexed."""
    name = readable_path(folder)
    return f"the documents folder {name} holds no documents: put {_KINDS} in it and ask again"


def nothing_readable(documents: int) -> str:
    """Return that there are documents, and none with text."""
    return f"none of the {count(documents, 'document')} could be read: say “index the folder” to see why"


def nothing(documents: int, *, terms: Sequence[str], missing: Sequence[str]) -> str:
    """Return that a search found nothing, naming the words that no document holds, if there are such."""
    words = [f"“{escape(word)}”" for word in (missing or terms)[:4]]
    who = f"none of the {count(documents, 'document')}"
    if missing or len(words) == 1:
        return f"{who} mentions {' or '.join(words)}"
    return f"{who} has a passage on {', '.join(words)} together"


def indexed(news: Report, documents: Sequence[Document], *, left: int) -> str:
    """Return what an indexing run did; `left` passages cannot be found by meaning yet."""
    passages = sum(document.passages for document in documents)
    readable = sum(document.passages > 0 for document in documents)
    parts = [f"{news.read:,} read", f"{news.unchanged:,} unchanged", f"{news.removed:,} removed"]
    text = (
        f"The index holds {count(readable, 'document')} with {count(passages, 'passage')}"
        f" ({', '.join(parts)})."
    )
    if news.others:
        text += f" {count(news.others, 'file')} of other kinds passed over; I read {_KINDS}."
    if left:
        text += f" {count(left, 'passage')} can be found by words only so far; say “index the folder” to go on."
    known = tuple(
        f"{document.path} {document.problem}" for document in documents if document.problem
    )
    problems = tuple(dict.fromkeys((*news.problems, *known)))
    return text + _notes(news.left, problems)


def note(news: Report) -> str:
    """Return what this run could not read, as a paragraph to put under an answer; empty if all is well."""
    return _notes(news.left, news.problems)


def left_out(documents: Sequence[Document]) -> str:
    """Return what was never read of these documents, as such a paragraph."""
    return _notes(0, [f"{document.path} {document.problem}" for document in documents])


def listed(documents: Sequence[Document]) -> str:
    """Return the names of the documents."""
    lines = [
        f"- *{escape(document.path)}*: "
        + (
            count(document.passages, "passage")
            if document.passages
            else f"not read, it {escape(document.problem)}"
        )
        for document in documents[:_LISTED]
    ]
    if len(documents) > _LISTED:
        lines.append(f"- and {len(documents) - _LISTED:,} more")
    return f"I have {count(len(documents), 'document')}:\n\n" + "\n".join(lines)


def quoted(quotes: Sequence[Quote], *, more: bool) -> str:
    """Return the passages under a line that says what they are."""
    files = len({quote["file"] for quote in quotes})
    which = "The next" if more else "The best matching"
    passages = "passage" if len(quotes) == 1 else f"{len(quotes)} passages"
    lead = f"{which} {passages}, from {count(files, 'document')}:"
    return "\n\n".join([lead, *map(blockquote, quotes)])


def answer(text: str, cited: Iterable[tuple[int, Quote]]) -> str:
    """Return a model's answer above the passages that it cites."""
    return "\n\n".join([text, *(blockquote(quote, number=number) for number, quote in cited)])


def passages(quotes: Iterable[Quote]) -> list[dict[str, Any]]:
    """Return quotes as values for programs."""
    return [
        {key: quote[key] for key in ("file", "page", "heading", "text", "score")}
        for quote in quotes
    ]


def values(documents: Sequence[Document]) -> dict[str, Any]:
    """Return the documents as values for programs, as many as a person is shown."""
    return {
        "documents": [
            {"file": document.path, "passages": document.passages, "problem": document.problem}
            for document in documents[:_LISTED]
        ]
    }


def short(text: str, *, limit: int = 80) -> str:
    """Return text as one escaped line of bounded length."""
    line = " ".join(text.split())
    return escape(line if len(line) <= limit else line[: limit - 1] + "…")


def _notes(left: int, problems: Sequence[str]) -> str:
    lines = [f"- {escape(problem)}" for problem in problems[:_PROBLEMS]]
    if len(problems) > _PROBLEMS:
        lines.append(f"- and {len(problems) - _PROBLEMS:,} more")
    text = "\n\nNot read, or not in full:\n\n" + "\n".join(lines) if lines else ""
    if left:
        text += f"\n\n{count(left, 'changed file')} not read yet; say “index the folder” to go on."
    return text
