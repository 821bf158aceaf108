"""Words by bucket, and a reader of domains that tells by a word what the embedding blurs."""

from dataclasses import replace

import numpy as np

from graphs.routing.estimators.base import Queries
from graphs.routing.estimators.domains import Reader
from graphs.routing.hashed_words import BUCKETS, hashed_words


def test_words_are_counted_whatever_stands_between_them() -> None:
    one, other, nothing = hashed_words(
        ["The mass, the Mass!", "mass; THE the\nmass", "42 + 17 = 59"]
    )
    assert np.array_equal(one, other)
    assert one.shape == (BUCKETS,)
    assert sorted(set(one.tolist())) == [0.0, np.float32(1 + np.log(2))]
    assert not nothing.any()


def test_a_word_tells_domains_apart_that_have_the_same_vectors() -> None:
    texts = [f"about {word} and case {n}" for n in range(40) for word in ("tort", "tensor")]
    domains = np.arange(80) % 2
    same = Queries(
        vectors=np.full((80, 4), 0.5, np.float32),
        surface=np.zeros((80, 2)),
        words=hashed_words(texts),
    )
    reader = Reader.fit(same, domains, count=2)
    assert (reader.read(same).argmax(axis=1) == domains).all()
    unread = reader.read(replace(same, words=None))
    assert np.allclose(unread, 0.5, atol=0.1)


def test_without_words_a_reader_has_none() -> None:
    queries = Queries(vectors=np.eye(8, dtype=np.float32), surface=np.zeros((8, 2)))
    reader = Reader.fit(queries, np.arange(8) % 2, count=2)
    assert len(reader.rarity) == 0
    assert reader.matrix(queries).shape == (8, 10)
