"""Parts the labels in two halves, so that each is seen by an encoder that was not tuned on it.

Services of one domain stay together, and domains that occur in the same dialogues do as far as halves allow. It knows
no vectors.
"""

import random
from collections import Counter
from itertools import combinations

from benchmarks.fit_agents.data import Corpus

__all__ = ["halves"]

_SEED = 5


def halves(corpus: Corpus) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys of the two halves: `sgd:SERVICE`, and `SOURCE:LABEL` for intents and tools."""
    domain_of = {name: corpus.services[name]["domain"] for name in corpus.registry}
    first_domains = _apart(domain_of, corpus)
    parts: tuple[set[str], set[str]] = (set(), set())
    for name, domain in domain_of.items():
        parts[domain not in first_domains].add(f"sgd:{name}")
    draw = random.Random(_SEED)
    for source in corpus.sources:
        labels = sorted(source.by_label())
        draw.shuffle(labels)
        parts[0].update(source.key(label) for label in labels[::2])
        parts[1].update(source.key(label) for label in labels[1::2])
    return frozenset(parts[0]), frozenset(parts[1])


def _apart(domain_of: dict[str, str], corpus: Corpus) -> set[str]:
    """Return half of the domains, such that the fewest pairs of domains of a dialogue are torn apart."""
    together: Counter[tuple[str, str]] = Counter()
    for dialogue in corpus.dialogues:
        own = sorted({domain_of[t["service"]] for t in dialogue["turns"]})
        together.update(combinations(own, 2))
    domains = sorted(set(domain_of.values()))
    first, rest = domains[0], domains[1:]
    options = [{first, *some} for some in combinations(rest, len(domains) // 2 - 1)]
    return min(
        options, key=lambda half: sum(n for pair, n in together.items() if _torn(pair, half))
    )


def _torn(pair: tuple[str, str], half: set[str]) -> bool:
    return (pair[0] in half) != (pair[1] in half)
