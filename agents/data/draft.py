"""The draft of a question, and what every rule of the reader needs: words, phrases, names. It decides no meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from agents.data.lexicon import Phrase
from agents.data.mentions import Mention, find
from agents.data.query import Filter, Function, Group
from agents.data.schema import Column, ColumnKind, Table
from agents.data.words import Kind, Token


class AskError(Exception):
    """The question needs one more word from the user; `key` is what the answer is kept under."""

    def __init__(self, question: str, *, key: str, options: Sequence[str]) -> None:
        super().__init__(question)
        self.question = question
        self.key = key
        self.options = tuple(options)


class UnreadableError(Exception):
    """The question cannot be put into one SELECT by rules; the text says why in one line."""


@dataclass(slots=True)
class Draft:
    """What the words of a question said, before it is put together."""

    functions: list[tuple[Function, int]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    names: list[Mention] = field(default_factory=list)
    tables: list[int] = field(default_factory=list)
    unused: list[tuple[int, str]] = field(default_factory=list)
    order: Column | None = None
    descending: bool | None = None
    """The direction of a superlative or of a top-n; None if there is neither."""
    extreme_at: int | None = None
    limit: int | None = None
    ranked: bool = False
    """Whether the limit ranks (top 5) or only cuts (first 10 rows)."""
    ranked_by: Mention | None = None
    ranked_by_count: bool = False
    hint: str = ""
    """`price` or `date`, when the superlative says what it compares: cheapest, latest."""
    listing: bool = False
    asking_at: int | None = None
    distinct: bool = False
    table_named: int = 0
    """2 if the whole name of the table was used, 1 if a part of it was."""
    matched: int = 0
    """How many words named something of the table."""


class Scanner:
    """One question and one table, with the ways to look at a position of the question."""

    def __init__(
        self, table: Table, tokens: Sequence[Token], *, today: date, bindings: Mapping[str, str]
    ) -> None:
        self.table = table
        self.tokens = tokens
        self.bindings = bindings
        self._today = today
        self.draft = Draft()

    # Words and phrases

    def word(self, at: int) -> str:
        """Return the word at a position, or nothing beyond the end."""
        return self.tokens[at].word if 0 <= at < len(self.tokens) else ""

    def _phrase(self, at: int, phrases: Sequence[Phrase]) -> int:
        for phrase in phrases:
            if all(self.word(at + i) == word for i, word in enumerate(phrase)):
                return len(phrase)
        return 0

    def _ends_with(self, at: int, phrases: Sequence[Phrase]) -> bool:
        """Tell whether one of the phrases stands right before `at`, articles aside."""
        if any(
            at >= len(phrase) and self._phrase(at - len(phrase), (phrase,)) for phrase in phrases
        ):
            return True
        while self.word(at - 1) in ("a", "an", "the", "from", "in"):
            at -= 1
        return any(
            at >= len(phrase) and self._phrase(at - len(phrase), (phrase,)) for phrase in phrases
        )

    def _skip(self, at: int, *words: str) -> int:
        while self.word(at) in words:
            at += 1
        return at

    def mention(self, at: int) -> Mention | None:
        """Return what is named at a position, if anything is."""
        if at >= len(self.tokens):
            return None
        return find(self.table, self.tokens, at, bindings=self.bindings)

    def pick(self, mention: Mention, *kinds: ColumnKind, why: str) -> Column | None:
        """Return the one column of these kinds that a mention means; AskError if it may be several."""
        fitting = [column for column in mention.columns if not kinds or column.kind in kinds]
        if len(fitting) > 1 and ColumnKind.NUMBER not in kinds:
            # "customer" means the customer's name rather than its number, if there is just one such.
            telling = [column for column in fitting if not column.is_key]
            fitting = telling if len(telling) == 1 else fitting
        if len(fitting) > 1 and kinds == (ColumnKind.NUMBER,):
            fitting = [column for column in fitting if column.is_measure] or fitting
        if len(fitting) <= 1:
            return fitting[0] if fitting else None
        raise AskError(
            f"“{mention.words}” could be several columns of `{self.table.name}`. Which one {why}?",
            key=" ".join(token.stem for token in self.tokens[mention.at : mention.end]),
            options=[column.name for column in fitting],
        )

    def only(self, columns: Sequence[Column], *, key: str, question: str) -> Column | None:
        """Return the column that is meant though none is named; AskError if there are several."""
        bound = self.bindings.get(key)
        for column in columns:
            if column.name == bound:
                return column
        if len(columns) <= 1:
            return columns[0] if columns else None
        raise AskError(question, key=key, options=[column.name for column in columns])

    def _number(self, at: int) -> int | float | None:
        if at < len(self.tokens) and self.tokens[at].kind is Kind.NUMBER:
            return self.tokens[at].number
        return None

    def _name_before(self, at: int, *kinds: ColumnKind, keep: bool = False) -> Column | None:
        """Return the column named right before a position, small words aside, and take it off the names."""
        if not self.draft.names:
            return None
        last = self.draft.names[-1]
        between = {self.word(i) for i in range(last.end, at)}
        if not between <= {
            "is",
            "are",
            "was",
            "were",
            "of",
            "a",
            "the",
            "that",
            "with",
            "has",
            "in",
            "from",
            "on",
        }:
            return None
        column = self.pick(last, *kinds, why="do you mean")
        measured = any(start <= last.at <= start + 2 for _, start in self.draft.functions)
        if column is not None and not keep and not measured:
            self.draft.names.pop()
        return column

    def _number_column(self, at: int) -> Column:
        column = self._name_before(at, ColumnKind.NUMBER) or self.only(
            self.table.measures,
            key="#number",
            question=f"Which number of `{self.table.name}` should I compare?",
        )
        if column is None:
            raise UnreadableError(f"`{self.table.name}` has no number to compare")
        return column
