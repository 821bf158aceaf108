"""Reads a question from left to right into a draft: which words are filters, groups, functions or names.

It decides word by word and knows one table; what the draft means as a whole is for `resolve`. A word that no rule takes
is kept in `unused`: nothing is dropped silently.
"""

from collections.abc import Callable

from agents.data import lexicon
from agents.data.conditions import Conditions
from agents.data.draft import Draft, UnreadableError
from agents.data.mentions import Mention
from agents.data.query import Filter, Group
from agents.data.schema import ColumnKind
from agents.data.words import Kind


class Reader(Conditions):
    """Reads one question against one table; each rule returns how many tokens it takes, 0 for none."""

    def read(self) -> Draft:
        """Return the draft of the whole question; AskError when a filter needs the user."""
        rules: tuple[Callable[[int], int], ...] = (
            self._missing, self._top, self._ordering, self._function, self._grouping, self._period,
            self._comparison, self._superlative, self._negation, self._condition, self._name, self._plain_word,
        )  # fmt: skip
        at = 0
        while at < len(self.tokens):
            width = next((width for rule in rules if (width := rule(at))), 0)
            if not width:
                self.draft.unused.append((at, self.tokens[at].text))
            at += width or 1
        return self.draft

    def _top(self, at: int) -> int:
        word, following = self.word(at), at + 1
        if word in (
            "top",
            "first",
            "last",
            "bottom",
            "best",
            "worst",
            "highest",
            "lowest",
            "largest",
            "smallest",
        ):
            number = self._count(following)
            if number is None and word not in ("top", "bottom"):
                return 0
            self._rank(word, number or 10)
            return 2 if number else 1
        number = self._count(at)
        if number is None:
            return 0
        adjective = self._adjective(following)
        if not adjective:
            return 0
        self.draft.limit, self.draft.ranked = number, True
        self.draft.extreme_at = following + adjective
        return 1 + adjective

    def _count(self, at: int) -> int | None:
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.NUMBER:
            return {"one": 1, "two": 2, "three": 3, "five": 5, "ten": 10}.get(self.word(at))
        number = self.tokens[at].number
        return number if isinstance(number, int) and 1 <= number <= 10_000 else None

    def _rank(self, word: str, number: int) -> None:
        self.draft.limit = number
        if word == "first":
            self.draft.listing = True
            return
        self.draft.ranked = True
        self.draft.descending = word not in ("bottom", "worst", "lowest", "smallest")
        if word == "last":
            self.draft.hint = "date"

    def _adjective(self, at: int) -> int:
        """Read a superlative and note its direction: `highest`, `most expensive`, `latest`."""
        word, following = self.word(at), self.word(at + 1)
        if word in ("most", "least") and following in lexicon.PRICE_WORDS | lexicon.DATE_WORDS:
            price = following in lexicon.PRICE_WORDS
            self.draft.hint = "price" if price else "date"
            direction = lexicon.PRICE_WORDS[following] if price else lexicon.DATE_WORDS[following]
            self.draft.descending = direction if word == "most" else not direction
            return 2
        for words, hint in ((lexicon.PRICE_WORDS, "price"), (lexicon.DATE_WORDS, "date")):
            if word in words and word not in ("expensive", "cheap", "recent"):
                self.draft.hint, self.draft.descending = hint, words[word]
                return 1
        if word in lexicon.HIGHEST | lexicon.LOWEST:
            self.draft.descending = word in lexicon.HIGHEST
            return 1
        return 0

    def _superlative(self, at: int) -> int:
        named = self.mention(at)
        if named and named.width > 1:
            return 0  # a column such as first_name
        following = self.mention(at + 1)
        if self.word(at) in ("first", "last") and not (following and following.table):
            return 0
        width = self._adjective(at)
        if width:
            self.draft.extreme_at = at + width
        return width

    def _ordering(self, at: int) -> int:
        width = self._phrase(at, lexicon.ORDERING)
        mention = self.mention(self._skip(at + width, "the")) if width else None
        if mention is None or not mention.columns:
            return 0
        self.draft.order = self.pick(mention, why="should I sort by")
        self.draft.matched += 1
        end = mention.end
        direction = self._phrase(
            end, (("highest", "first"), ("largest", "first"), ("newest", "first"))
        )
        if direction or self.word(end) in ("desc", "descending"):
            self.draft.descending = True
            return end + (direction or 1) - at
        self.draft.descending = False
        return end + (self.word(end) in ("asc", "ascending")) - at

    def _function(self, at: int) -> int:
        for function, phrases in lexicon.FUNCTIONS.items():
            width = self._phrase(at, phrases)
            if not width:
                continue
            mention = self.mention(at)
            if (
                mention
                and mention.exact
                and (mention.width > width or not self._names_something(at + width))
            ):
                return 0  # a column that is called total, count or average itself
            if self.draft.functions and function == "sum":
                return width  # "average total", "how many in total"
            self.draft.functions.append((function, at + width))
            return width
        return 0

    def _names_something(self, at: int) -> bool:
        return self.mention(self._skip(at, "the", "of", "number")) is not None

    def _grouping(self, at: int) -> int:
        width = self._phrase(at, lexicon.GROUPING)
        bucket = (
            lexicon.BUCKETS.get(self.word(at)) if self.word(at).endswith(("ly", "annual")) else None
        )
        if bucket:
            self._bucket(bucket)
            return 1
        if not width:
            return 0
        end = at + width
        while taken := self._group(self._skip(end, "the", "each")):
            end = taken
            if self.word(end) != "and":
                break
            if not self._is_groupable(end + 1):
                break
            end += 1
        return end - at if end > at + width else 0

    def _is_groupable(self, at: int) -> bool:
        mention = self.mention(at)
        return self.word(at) in lexicon.BUCKETS or bool(mention and mention.columns)

    def _group(self, at: int) -> int:
        """Read one thing to group or rank by; return the position after it, or 0."""
        draft, mention = self.draft, self.mention(at)
        comparing = draft.ranked or draft.extreme_at is not None
        ranking = comparing and draft.ranked_by is None and not draft.ranked_by_count
        if ranking:
            width = self._phrase(at, lexicon.FUNCTIONS["count"])
            if width:
                draft.ranked_by_count = True
                target = self.mention(at + width)
                draft.matched += 1
                return target.end if target and target.table else at + width
            for function, phrases in lexicon.FUNCTIONS.items():
                if width := self._phrase(at, phrases):
                    draft.functions.append((function, at + width))
                    mention = self.mention(self._skip(at + width, "of", "the"))
                    break
        if mention is None or not mention.columns:
            return self._group_bucket(at)
        draft.matched += 1
        if ranking and any(
            column.kind in (ColumnKind.NUMBER, ColumnKind.DATE) for column in mention.columns
        ):
            draft.ranked_by = mention
            return mention.end
        column = self.pick(mention, why="should I group by")
        if column is not None:
            draft.groups.append(Group(column=column.name))
        return mention.end

    def _group_bucket(self, at: int) -> int:
        bucket = lexicon.BUCKETS.get(self.word(at)) or lexicon.BUCKETS.get(
            self.word(at).removesuffix("s")
        )
        if bucket is None:
            return 0
        self._bucket(bucket)
        return at + 1

    def _bucket(self, bucket: str) -> None:
        column = self._date_column()
        if column is None:
            raise UnreadableError(f"`{self.table.name}` has no date column to count by {bucket}")
        self.draft.groups.append(Group(column=column.name, bucket=lexicon.BUCKETS[bucket]))

    def _name(self, at: int) -> int:
        mention = self.mention(at)
        if mention is None:
            return 0
        self.draft.matched += 1
        if mention.table and not (mention.columns and self._wants_column(at, mention)):
            self.draft.table_named = max(self.draft.table_named, 2 if mention.whole_table else 1)
            self.draft.tables.append(at)
            return mention.width
        booleans = [column for column in mention.columns if column.kind is ColumnKind.BOOLEAN]
        if len(booleans) == 1 and len(mention.columns) == 1 and not self._wants_column(at, mention):
            value = not self._ends_with(at, lexicon.NEGATIONS)
            self.draft.filters.append(
                Filter(column=booleans[0].name, operator="=", values=(value,))
            )
            return mention.width
        self.draft.names.append(mention)
        if mention.whole_table:
            self.draft.table_named = 2
        return mention.width

    def _wants_column(self, at: int, mention: Mention) -> bool:
        """Tell whether a word that also names the table is used as a column here: after which, top 5, distinct."""
        before = self._skip_back(at)
        asked = (
            self.word(before) in lexicon.ASKING | lexicon.DISTINCT or self.draft.limit is not None
        )
        summed = any(
            start == at and function not in ("count",) for function, start in self.draft.functions
        )
        return mention.exact and (
            summed or (asked and not all(column.unique for column in mention.columns))
        )

    def _skip_back(self, at: int) -> int:
        at -= 1
        while self.word(at) in ("the", "of") or (at >= 0 and self.tokens[at].kind is Kind.NUMBER):
            at -= 1
        return at

    def _plain_word(self, at: int) -> int:
        token = self.tokens[at]
        if token.word in lexicon.LISTING:
            self.draft.listing = True
        elif (
            token.word in lexicon.ASKING
            and self.word(at + 1) in lexicon.BUCKETS
            and not self.mention(at + 1)
        ):
            self._bucket(lexicon.BUCKETS[self.word(at + 1)])
            return 2
        elif token.word in lexicon.ASKING:
            self.draft.asking_at = (
                self.draft.asking_at if self.draft.asking_at is not None else at + 1
            )
        elif token.word in lexicon.DISTINCT:
            self.draft.distinct = True
        elif token.word not in lexicon.STOP and token.stem not in lexicon.ROW_WORDS:
            return 0
        return 1
