"""Measure what reading a turn costs: each type of signal alone, a hundred signals together, and making them ready.

Run `python -m benchmarks.policy_signals [--texts 200]`. The text's embedding, which is done once a turn for all
signals, is told by itself and taken out of the others: their encoder looks vectors up. Medians of the texts; a second
figure is for a text of 100,000 characters.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.report import print_table
from graphs.policy.policy import Policy, Rule, Signal
from graphs.policy.request import Request
from graphs.policy.signals.reader import Reader
from graphs.policy.syntax import And, Reference
from graphs.routing.encoder import Encoder, make_encoder
from graphs.routing.encoders.rows import Vectors

WORDS = (
    "could you please tell me how the open invoices of our customers in Berlin are paid before the end of this month "
    "and which of them are urgent because the deadline is near thanks a lot for the quick answer"
).split()
NEAR = ["Debug this stack trace", "Fix the failing unit test", "Why does my program crash?"]
QUESTIONS = {"type": "count", "source": {"type": "regex", "pattern": "[?]"}}
LIMITS = {"type": "density", "source": {"type": "keyword_set", "keywords": ["at most", "within"]}}
USER_TURNS = {"type": "count", "source": {"type": "message", "role": "user"}}
OFFICE = {"days": ["mon", "fri"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}
PATTERNS = [r"(?i)\binv(oice)?s?\b", r"\d{4}-\d\d"]
TYPES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "keyword, 5 words": ("keyword", {"keywords": ["urgent", "asap", "right now", "c++", "紧急"]}),
    "keyword, regex": ("keyword", {"method": "regex", "keywords": PATTERNS}),
    "keyword, bm25": ("keyword", {"method": "bm25", "keywords": ["invoice", "refund"]}),
    "keyword, ngram": ("keyword", {"method": "ngram", "keywords": ["invoice", "refund"]}),
    "keyword, fuzzy": ("keyword", {"fuzzy_match": True, "keywords": ["invioce", "refunds"]}),
    "structure, count": ("structure", {"feature": QUESTIONS, "predicate": {"gte": 2}}),
    "structure, density": ("structure", {"feature": LIMITS, "predicate": {"gt": 0.1}}),
    "context": ("context", {"min_tokens": "1K"}),
    "length": ("length", {"min_words": 100}),
    "language": ("language", {"code": "de"}),
    "embedding": ("embedding", {"candidates": NEAR, "threshold": 0.6}),
    "domain": ("domain", {"mmlu_categories": ["business", "economics"]}),
    "complexity": ("complexity", {}),
    "preference": ("preference", {"examples": NEAR}),
    "reask": ("reask", {}),
    "fact_check": ("fact_check", {}),
    "user_feedback": ("user_feedback", {"feedback": "satisfied"}),
    "jailbreak, pattern": ("jailbreak", {}),
    "jailbreak, contrastive": ("jailbreak", {"method": "contrastive"}),
    "pii": ("pii", {}),
    "authz": ("authz", {"role": "analyst", "subjects": [{"kind": "group", "name": "data"}]}),
    "grant": ("grant", {}),
    "time": ("time", OFFICE),
    "modality": ("modality", {"modality": "image"}),
    "conversation": ("conversation", {"feature": USER_TURNS, "predicate": {"gte": 3}}),
    "phase": ("phase", {"phases": ["idle"]}),
    "holder": ("holder", {}),
    "metadata": ("metadata", {"key": "tier", "equals": "gold"}),
    "event": ("event", {"severities": ["critical", "high"], "temporal": True}),
}
MIXED = (40, 10, 10, 5, 5, 5)
"""Of keywords, regular expressions, embeddings, domains, structures, authz; the rest is one of each other type."""


@dataclass(slots=True)
class Remembered:
    """An encoder that has met every text."""

    encoder: Encoder
    rows: dict[str, Vectors] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the encoder behind."""
        return self.encoder.name

    @property
    def dim(self) -> int:
        """The length of each vector."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text; only texts that it has not met reach the encoder."""
        new = [text for text in texts if text not in self.rows]
        if new:
            self.rows.update(zip(new, self.encoder.encode(new), strict=True))
        return np.stack([self.rows[text] for text in texts])


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--texts", type=int, default=200, help="how many to time (default: 200)")
    count = parser.parse_args().texts
    if count < 1:
        parser.error(f"--texts is {count}, expected 1 or more")
    encoder = make_encoder()
    known = Remembered(encoder)
    asked = [request(n) for n in range(count)]
    long = Request(text=" ".join(WORDS) * 540, now=asked[0].now)
    sets = {label: [Signal(type=t, name="x", fields=f)] for label, (t, f) in TYPES.items()}
    sets |= {"100 signals together": mixed()}
    rows = []
    for label, signals in sets.items():
        reader, ready = prepared(signals, known)
        short, large = microseconds(reader, asked), microseconds(reader, [long] * 3)
        rows.append([label, f"{1e3 * ready:.1f}", f"{short:.0f}", f"{1e-3 * large:.1f}"])
    alone = np.median([timed(lambda r=r: encoder.encode([r.text])) for r in asked])  # type: ignore[misc]
    rows.append(["the text's embedding, once a turn", "", f"{1e6 * alone:.0f}", ""])
    columns = ["signal", "made ready, ms", "a turn, µs", "100,000 characters, ms"]
    print_table("Reading a turn's signals, without its embedding", columns, rows)
    return 0


def request(number: int) -> Request:
    """Return one of the turns, each with another text of about 15 words."""
    picked = [WORDS[(number * 7 + at * (1 + number % 5)) % len(WORDS)] for at in range(15)]
    return Request(
        text=f"{' '.join(picked)} {number}?",
        previous=("which invoices are open?",),
        grants=frozenset({"group:data"}),
        now=datetime(2026, 11, 27, 10, 0, tzinfo=UTC),
        metadata={"tier": "gold"},
    )


def mixed() -> list[Signal]:
    """Return a hundred signals of many types."""
    kinds = (
        "keyword, 5 words",
        "keyword, regex",
        "embedding",
        "domain",
        "structure, count",
        "authz",
    )
    signals = []
    for label, many in zip(kinds, MIXED, strict=True):
        type_, fields = TYPES[label]
        signals += [Signal(type=type_, name=f"{label} {n}", fields=fields) for n in range(many)]
    others = [v for k, v in TYPES.items() if k not in kinds]
    while len(signals) < 100:
        type_, fields = others[len(signals) % len(others)]
        signals.append(Signal(type=type_, name=f"other {len(signals)}", fields=fields))
    return signals


def prepared(signals: Sequence[Signal], encoder: Encoder) -> tuple[Reader, float]:
    """Return a reader of signals, and the seconds that making it took."""
    when = And(tuple(Reference(s.type, s.name) for s in signals))
    policy = Policy(signals={s.key: s for s in signals}, rules=(Rule(name="r", when=when),))
    started = time.perf_counter()
    reader = Reader.from_policy(policy, encoder=encoder)
    return reader, time.perf_counter() - started


def microseconds(reader: Reader, asked: Sequence[Request]) -> float:
    """Return the median time of a turn, in microseconds."""
    for turn in asked:
        assert not [k for k, r in reader.read(turn).items() if r.fault], "a signal has a fault"
    times = [timed(lambda r=turn: reader.read(r)) for turn in asked]  # type: ignore[misc]
    return float(1e6 * np.median(times))


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
