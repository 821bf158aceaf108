"""Counts the words of a text in a fixed number of buckets, so that no vocabulary has to be kept.

The embedding of a long question blurs the one word that tells its subject; here it keeps a place of its own (the
hashing trick; Weinberger et al., 2009). It knows no meanings, and no words but runs of letters.
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BUCKETS", "hashed_words"]

BUCKETS = 1024
_READ = 4096
"""Characters, as many as an encoder reads."""
_WORD = re.compile(r"[^\W\d_]+")


def hashed_words(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return for each text 1 + log(count) of its words by bucket, (n, `BUCKETS`); words of one bucket add up."""
    rows = np.zeros((len(texts), BUCKETS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word, count in Counter(_WORD.findall(text[:_READ].lower())).items():
            row[zlib.crc32(word.encode()) % BUCKETS] += 1 + np.log(count)
    return rows
