"""Measure an encoder: time to load, time a query, texts a second, and memory.

Run `python -m benchmarks.encoder [SPEC]`; SPEC is what `MOMA_ENCODER` takes, `onnx` unless given. It knows no router:
the figures are of `encode` alone. Set OMP_NUM_THREADS=1 for one thread throughout.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence

import numpy as np

from agents.errors import MomaError
from graphs.routing.encoder import Encoder, make_encoder

QUERY = "Could you tell me which of my three open invoices {n} is due first and how much is left?"
LONG = "The committee met again on Tuesday to weigh the arguments for and against. "


def main() -> int:
    """Print the figures of one encoder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "spec", nargs="?", default="onnx", help="as in MOMA_ENCODER (default: onnx)"
    )
    parser.add_argument("--queries", type=int, default=200, help="how many to time (default: 200)")
    arguments = parser.parse_args()
    if arguments.queries < 1:
        parser.error(f"--queries is {arguments.queries}, expected 1 or more")
    started = time.perf_counter()
    try:
        encoder = make_encoder(arguments.spec)
    except MomaError as error:
        print(error, file=sys.stderr)
        return 2
    load = time.perf_counter() - started
    print(f"encoder            {encoder.name}, {encoder.dim} dimensions")
    print(f"load               {load:.2f} s")
    queries = [QUERY.format(n=n) for n in range(arguments.queries)]
    report("query (~20 tokens)", encoder, queries)
    report(
        "long (256 tokens) ",
        encoder,
        [f"{n} {LONG * 40}" for n in range(max(5, len(queries) // 20))],
    )
    print(f"batch              {texts_per_second(encoder, queries):.0f} texts/s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory        {peak / (1 << 20 if sys.platform == 'darwin' else 1 << 10):.0f} MB")
    return 0


def report(label: str, encoder: Encoder, texts: Sequence[str]) -> None:
    """Print the median and the 95th percentile of encoding the texts one by one."""
    encoder.encode(texts[:3])
    times = []
    for text in texts:
        started = time.perf_counter()
        encoder.encode([text])
        times.append(1e3 * (time.perf_counter() - started))
    p50, p95 = np.percentile(times, [50, 95])
    print(f"{label} {p50:.2f} ms p50, {p95:.2f} ms p95")


def texts_per_second(encoder: Encoder, texts: Sequence[str]) -> float:
    """Return how many of the texts are encoded a second when given at once."""
    started = time.perf_counter()
    encoder.encode(texts)
    return len(texts) / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
