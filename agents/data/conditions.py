"""Reads the conditions of a question: periods, comparisons, values, missing cells. It groups and orders nothing.

Each rule looks at one position and returns how many tokens it takes, 0 for none.
"""

from collections.abc import Sequence
from datetime import date

from agents.data import lexicon
from agents.data.dates import Period, read_period
from agents.data.draft import Scanner, UnreadableError
from agents.data.lexicon import Phrase
from agents.data.mentions import Mention
from agents.data.query import Filter, Operator
from agents.data.schema import Column, ColumnKind
from agents.data.words import Kind

# The last one stands for a date without a preposition: "orders March 2024".
_DATE_SIGNS: tuple[tuple[str, tuple[Phrase, ...]], ...] = (
    ("<", lexicon.BEFORE),
    (">", lexicon.AFTER),
    (">=", lexicon.SINCE),
    ("<=", lexicon.UNTIL),
    ("=", lexicon.DURING),
    ("=", ((),)),
)


class Periods(Scanner):
    """Conditions on dates."""

    def _date_column(self) -> Column | None:
        dates = self.table.of_kind(ColumnKind.DATE)
        # A date that the question names elsewhere is the one that is meant.
        for name in self.draft.names:
            named = [column for column in name.columns if column in dates]
            if len(named) == 1:
                return named[0]
        return self.only(
            dates,
            key="#date",
            question=f"`{self.table.name}` has several dates. Which one do you mean?",
        )

    def _period(self, at: int) -> int:
        if self._phrase(at, (("between",),)):
            return self._between(at)
        for operator, phrases in _DATE_SIGNS:
            width = self._phrase(at, phrases)
            start = self._skip(at + width, "the", "of", "in") if width else at
            if (phrases != ((),) and not width) or start >= len(self.tokens):
                continue
            period = read_period(self.tokens, start, today=self._today)
            if period is None or (not width and self._is_bare_word(start, period)):
                continue
            end = start + period.width
            if operator == ">=" and self.word(end) in ("to", "until", "till", "through"):
                last = read_period(self.tokens, end + 1, today=self._today)
                if last is not None:
                    return self._during(period.start, last.end, at=at, end=end + 1 + last.width)
            return self._dated(operator, period, at=at, end=end, from_only=self.word(at) == "from")
        return 0

    def _is_bare_word(self, at: int, period: Period) -> bool:
        """Tell whether a lone number or `may` without a preposition is hardly a date."""
        return period.width == 1 and (
            self.tokens[at].kind is Kind.NUMBER or self.word(at) in ("may", "march", "mar", "dec")
        )

    def _dated(self, operator: str, period: Period, *, at: int, end: int, from_only: bool) -> int:
        year = [c for c in self.table.of_kind(ColumnKind.NUMBER) if c.words == ("year",)]
        is_year = (
            period.start.replace(year=period.start.year + 1) == period.end and period.start.day == 1
        )
        if not self.table.of_kind(ColumnKind.DATE):
            if not (year and is_year):
                return 0
            sign: Operator = {"<": "<", ">": ">", ">=": ">=", "<=": "<=", "=": "="}[operator]  # type: ignore[assignment]
            self.draft.filters.append(
                Filter(column=year[0].name, operator=sign, values=(period.start.year,))
            )
            return end - at
        # "from March 2024" is that month; "from 2024-03-01" begins there.
        if from_only and period.width > 0 and self.tokens[end - 1].kind is not Kind.DATE:
            operator = "="
        if operator == "=":
            return self._during(period.start, period.end, at=at, end=end)
        bounds: dict[str, tuple[Operator, date]] = {
            "<": ("<", period.start), ">": (">=", period.end), ">=": (">=", period.start), "<=": ("<", period.end),
        }  # fmt: skip
        sign, day = bounds[operator]
        self._date_filter(self._dated_column(at), sign, day)
        return end - at

    def _during(self, first: date, after: date, *, at: int, end: int) -> int:
        # Looked up once: the first look takes the column's name off the names.
        column = self._dated_column(at)
        self._date_filter(column, ">=", first)
        self._date_filter(column, "<", after)
        return end - at

    def _dated_column(self, at: int) -> Column:
        column = self._name_before(at, ColumnKind.DATE) or self._date_column()
        if column is None:
            raise UnreadableError(f"`{self.table.name}` has no date column")
        return column

    def _date_filter(self, column: Column, operator: Operator, day: date) -> None:
        self.draft.filters.append(
            Filter(column=column.name, operator=operator, values=(day.isoformat(),), dates=True)
        )

    def _between(self, at: int) -> int:
        first = read_period(self.tokens, at + 1, today=self._today)
        if (
            first
            and self.word(at + 1 + first.width) in ("and", "to")
            and self.table.of_kind(ColumnKind.DATE)
        ):
            last = read_period(self.tokens, at + 2 + first.width, today=self._today)
            if last and not self._name_before(at, ColumnKind.NUMBER, keep=True):
                return self._during(
                    first.start, last.end, at=at, end=at + 2 + first.width + last.width
                )
        low, high = self._number(at + 1), self._number(at + 3)
        if low is None or high is None or self.word(at + 2) not in ("and", "to"):
            return 0
        column = self._number_column(at)
        self.draft.filters.append(
            Filter(column=column.name, operator=">=", values=(min(low, high),))
        )
        self.draft.filters.append(
            Filter(column=column.name, operator="<=", values=(max(low, high),))
        )
        return 4


class Conditions(Periods):
    """Conditions on numbers, text, yes-or-no columns and missing cells."""

    def _comparison(self, at: int) -> int:
        start = self._skip(at, "is", "are", "was", "of", "that", "with")
        for operator, phrases in lexicon.COMPARATORS.items():
            width = self._phrase(start, phrases)
            value = self._number(start + width) if width else None
            if value is None:
                continue
            end = start + width + 1
            counted = self.mention(end)
            if (
                counted
                and counted.table
                and self._name_before(at, ColumnKind.NUMBER, keep=True) is None
            ):
                raise UnreadableError(
                    "a condition on a number of rows per group needs a model that writes SQL"
                )
            if counted and any(column.kind is ColumnKind.NUMBER for column in counted.columns):
                column = self.pick(counted, ColumnKind.NUMBER, why="should I compare")
                end = counted.end
            else:
                column = self._number_column(at)
            if column is not None:
                self.draft.matched += 1
                self.draft.filters.append(
                    Filter(column=column.name, operator=operator, values=(value,))
                )
                return self._skip(end, "euro", "euros", "eur", "dollar", "dollars", "usd") - at
        return 0

    def _missing(self, at: int) -> int:
        width = self._phrase(at, lexicon.MISSING)
        mention = self.mention(self._skip(at + width, "a", "an")) if width else None
        if mention is None or not mention.columns or mention.values:
            return 0
        column = self.pick(mention, why="do you mean")
        if column is not None:
            boolean = column.kind is ColumnKind.BOOLEAN
            missing = Filter(column=column.name, operator="null")
            self.draft.filters.append(
                Filter(column=column.name, operator="=", values=(False,)) if boolean else missing
            )
            self.draft.matched += 1
        return mention.end - at

    def _negation(self, at: int) -> int:
        """Take a `not` whose value or yes-or-no column follows; that rule looks back at it."""
        width = self._phrase(at, lexicon.NEGATIONS)
        mention = (
            self.mention(self._skip(at + width, "a", "an", "the", "from", "in")) if width else None
        )
        negates = mention and (
            mention.values or any(c.kind is ColumnKind.BOOLEAN for c in mention.columns)
        )
        return width if negates else 0

    def _condition(self, at: int) -> int:
        """Read a column with its value ("city is Berlin") or a value alone ("Berlin")."""
        mention = self.mention(at)
        if mention is None:
            return 0
        if mention.values and not mention.columns:
            return self._valued(
                mention, mention.values, negated=self._ends_with(at, lexicon.NEGATIONS)
            )
        if not mention.columns:
            return 0
        for phrases, operator in ((lexicon.IS_PRESENT, "not null"), (lexicon.IS_MISSING, "null")):
            if width := self._phrase(mention.end, phrases):
                column = self.pick(mention, why="do you mean")
                assert column is not None
                self.draft.matched += 1
                self.draft.filters.append(
                    Filter(
                        column=column.name, operator="null" if operator == "null" else "not null"
                    )
                )
                return mention.end + width - at
        return self._column_value(mention)

    def _column_value(self, mention: Mention) -> int:
        width = self._phrase(mention.end, lexicon.CONTAINING)
        if width and mention.end + width < len(self.tokens):
            column = self.pick(mention, ColumnKind.TEXT, why="should I search")
            if column is None:
                return 0
            text = self.tokens[mention.end + width].text
            self.draft.matched += 1
            self.draft.filters.append(
                Filter(column=column.name, operator="contains", values=(text,))
            )
            return mention.end + width + 1 - mention.at
        width = self._phrase(mention.end, lexicon.EQUALS)
        start = mention.end + width
        negated = self.word(start) == "not" or self._phrase(mention.end, (("!=",), ("<>",))) > 0
        start += 1 if negated and (self.word(start) in ("not", "!=", "<>")) else 0
        if start >= len(self.tokens):
            return 0
        number = self._number(start)
        numeric = [column for column in mention.columns if column.kind is ColumnKind.NUMBER]
        if number is not None and numeric and (width or numeric[0].is_key):
            column = self.pick(mention, ColumnKind.NUMBER, why="should I compare")
            assert column is not None
            self.draft.matched += 1
            self.draft.filters.append(
                Filter(column=column.name, operator="<>" if negated else "=", values=(number,))
            )
            return start + 1 - mention.at
        value = self.mention(start)
        fitting = [pair for pair in value.values if pair[0] in mention.columns] if value else []
        if value and fitting:
            self._valued(value, fitting, negated=negated)
            return value.end - mention.at
        return self._unknown_value(
            mention,
            start,
            explicit=bool(width) or self.tokens[start].kind is Kind.QUOTED,
            negated=negated,
        )

    def _unknown_value(self, mention: Mention, start: int, *, explicit: bool, negated: bool) -> int:
        """Compare with text that no cell is known to hold: the result is then honest about finding nothing."""
        token = self.tokens[start]
        is_text = token.kind is Kind.QUOTED or (
            token.text[:1].isupper() and self.mention(start) is None
        )
        texts = [column for column in mention.columns if column.kind is ColumnKind.TEXT]
        if not (is_text and texts and (explicit or not texts[0].values)) or negated:
            return 0
        column = self.pick(mention, ColumnKind.TEXT, why="should I compare")
        assert column is not None
        end = start + 1
        if token.kind is Kind.WORD:
            while (
                end < len(self.tokens)
                and self.tokens[end].text[:1].isupper()
                and self.mention(end) is None
            ):
                end += 1
        text = " ".join(token.text for token in self.tokens[start:end])
        self.draft.matched += 1
        self.draft.filters.append(Filter(column=column.name, operator="same", values=(text,)))
        return end - mention.at

    def _valued(
        self, mention: Mention, pairs: Sequence[tuple[Column, tuple[str, ...]]], *, negated: bool
    ) -> int:
        if len(pairs) > 1 and self.draft.names:
            named = [pair for pair in pairs if self._name_before_is(mention.at, pair[0])]
            if named:
                pairs = named
                self.draft.names.pop()
        elif self.draft.names and self._name_before_is(mention.at, pairs[0][0]):
            self.draft.names.pop()
        key = "=" + " ".join(token.stem for token in self.tokens[mention.at : mention.end])
        column = self.only(
            [column for column, _ in pairs],
            key=key,
            question=f"“{mention.words}” is in several columns of `{self.table.name}`. Which one do you mean?",
        )
        values = next(values for candidate, values in pairs if candidate is column)
        assert column is not None
        self._add_values(column, values, negated=negated)
        self.draft.matched += 1
        return mention.width

    def _name_before_is(self, at: int, column: Column) -> bool:
        last = self.draft.names[-1]
        between = {self.word(i) for i in range(last.end, at)}
        return column in last.columns and between <= {
            "is",
            "are",
            "was",
            "of",
            "in",
            "from",
            "the",
            "not",
            "=",
            "to",
        }

    def _add_values(self, column: Column, values: tuple[str, ...], *, negated: bool) -> None:
        """Add a condition, or widen the one that there is: "from Berlin and Paris" asks for both."""
        one: Operator = "<>" if negated else "="
        many: Operator = "not in" if negated else "in"
        for index, item in enumerate(self.draft.filters):
            if item.column == column.name and item.operator in (one, many):
                values = tuple(dict.fromkeys([*map(str, item.values), *values]))
                self.draft.filters.pop(index)
                break
        self.draft.filters.append(
            Filter(column=column.name, operator=one if len(values) == 1 else many, values=values)
        )
