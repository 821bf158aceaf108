"""Write a GGUF file anew with its matrices in another format, which llama.cpp may multiply faster.

    python -m benchmarks.requantize middle.gguf middle-q8_0.gguf Q8_0

What turns states into words, `output` or, where that is missing, the embeddings, becomes Q8_0, since answers suffer
most from its rounding. Vectors stay as they are. It needs the package gguf, which is no dependency of the project.
"""

import argparse
from pathlib import Path
from typing import Any

import gguf
from gguf import GGMLQuantizationType as Type
from gguf import quants

_OUTPUT, _EMBEDDINGS = "output.weight", "token_embd.weight"
_FILE_TYPES = {"Q4_0": 2, "Q8_0": 7}
"""What `general.file_type` says of a file that is mostly of a format."""


def requantize(source: Path, target: Path, name: str) -> None:
    """Write `source` to `target` with matrices of the format `name`."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.fields["general.architecture"].contents())
    _copy_fields(reader, writer, file_type=_FILE_TYPES[name])
    names = {tensor.name for tensor in reader.tensors}
    last = _OUTPUT if _OUTPUT in names else _EMBEDDINGS
    for tensor in reader.tensors:
        if len(tensor.shape) < 2:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
            continue
        wanted = Type.Q8_0 if tensor.name == last else Type[name]
        data = tensor.data
        if tensor.tensor_type != wanted:
            data = quants.quantize(quants.dequantize(data, tensor.tensor_type), wanted)
        writer.add_tensor(tensor.name, data, raw_dtype=wanted)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_fields(reader: Any, writer: Any, *, file_type: int) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue  # the writer has its own
        kind, own = field.types[0], field.types[-1]
        value = file_type if field.name == "general.file_type" else field.contents()
        inner = own if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, sub_type=inner)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("format", choices=_FILE_TYPES)
    given = parser.parse_args()
    requantize(given.source, given.target, given.format)
