"""What a GGUF file says of itself: metadata, and name, shape and place of each tensor.

    file = read(Path("SmolLM2-135M-Instruct.Q4_1.gguf"))
    file.architecture, file.text("tokenizer.chat_template"), file.tensors["token_embd.weight"].shape

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The `gguf` package has a
reader too, but believes each count in the file: a single wrong byte can keep it busy for hours.
This one reads nothing beyond the file's end, and takes no longer than the file is long.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from agentflow_graph.errors import SettingError

VERSIONS = (2, 3)
ALIGNMENT = 32
MOST_DIMENSIONS = 4
NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""By type of a value: its letter for `struct`; 8 is text and 9 an array."""
FLOAT, TEXT, ARRAY = 6, 8, 9


@dataclass(frozen=True)
class Tensor:
    """One tensor of the file."""

    shape: tuple[int, ...]
    """As torch counts, the fastest dimension last."""
    kind: int
    """How it is stored: a number of `gguf.GGMLQuantizationType`."""
    start: int
    """First byte in the file."""
    size: int
    """Bytes."""


@dataclass(frozen=True)
class GgufFile:
    """A file whose header is whole and whose tensors all lie inside it."""

    path: Path
    metadata: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def architecture(self) -> str:
        """As llama.cpp calls it: llama, qwen2, ..."""
        return self.text("general.architecture")

    def text(self, key: str) -> str:
        """A text of the metadata; raises SettingError if there is none."""
        value = self.metadata.get(key)
        if isinstance(value, str):
            return value
        raise self.refusal(f"has no text {key!r} in its metadata")

    def whole(self, key: str, least: int = 1) -> int:
        """A whole number of the metadata, from `least`; raises SettingError if there is none."""
        value = self.metadata.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= least:
            return value
        raise self.refusal(f"has {key}={value!r}, not a whole number from {least}")

    def real(self, key: str) -> float:
        """A number above 0 of the metadata; raises SettingError if there is none."""
        value = self.metadata.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e38:
            return float(value)
        raise self.refusal(f"has {key}={value!r}, not a number above 0")

    def refusal(self, reason: str) -> SettingError:
        """The error, of one line, that says why this file cannot be used."""
        remedy = "take another GGUF file of the model, or its Hugging Face folder"
        return SettingError(f"{self.path} {' '.join(reason.split())}; {remedy}")


class _Cursor:
    """Walks through the bytes; an IndexError says that they end too early."""

    def __init__(self, path: Path) -> None:
        self.bytes = np.asarray(np.memmap(path, np.uint8, "r"))
        self.place = 0

    def take(self, size: int) -> Any:
        end = self.place + size
        if end > len(self.bytes):
            raise IndexError(f"{size:,} bytes are announced at byte {self.place:,}")
        part, self.place = self.bytes[self.place : end], end
        return part

    def numbers(self, letters: str) -> tuple[Any, ...]:
        form = f"<{letters}"
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def number(self, letter: str) -> int:
        return int(self.numbers(letter)[0])

    def text(self) -> str:
        return bytes(self.take(self.number("Q"))).decode()

    def value(self) -> Any:
        """A value of the metadata: a number, a text, or a list or numpy array of those."""
        kind = self.number("I")
        if kind == TEXT:
            return self.text()
        if kind != ARRAY:
            (value,) = self.numbers(NUMBERS[kind])
            # 1e-5 is stored as a float32; as a double it would be 9.999999747378752e-06.
            return float(str(np.float32(value))) if kind == FLOAT else value
        kind, count = self.numbers("IQ")
        if kind == TEXT:
            return [self.text() for _ in range(count)]
        form = np.dtype(NUMBERS[kind]).newbyteorder("<")
        return self.take(count * form.itemsize).view(form)


def read(path: Path) -> GgufFile:
    """The header of a GGUF file; no tensor is read.

    Raises:
        SettingError: it is no GGUF file, of another version, damaged, or cut short.
    """
    try:
        cursor = _Cursor(path)
        if bytes(cursor.take(4)) != b"GGUF":
            raise SettingError(
                f"{path} is not a GGUF file: it does not begin with the letters GGUF; name another"
            )
        return _after_magic(path, cursor)
    except SettingError:
        raise
    except OSError as error:
        raise SettingError(f"{path} cannot be read ({error.strerror}); name a GGUF file") from error
    except (IndexError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise SettingError(
            f"{path} is damaged or cut short ({type(error).__name__}: {error}); fetch it again"
        ) from error


def _after_magic(path: Path, cursor: _Cursor) -> GgufFile:
    version = cursor.number("I")
    if version not in VERSIONS:
        raise SettingError(
            f"{path} is GGUF of version {version}, and only 2 and 3 in little-endian order can be "
            "read; convert it anew with a recent llama.cpp"
        )
    tensors, values = cursor.numbers("QQ")
    metadata = {cursor.text(): cursor.value() for _ in range(values)}
    table = [_entry(cursor) for _ in range(tensors)]
    alignment = int(metadata.get("general.alignment", ALIGNMENT))
    if alignment < 1:
        raise ValueError(f"general.alignment={alignment}")
    start = -(-cursor.place // alignment) * alignment
    end = len(cursor.bytes)
    return GgufFile(
        path,
        metadata,
        {
            name: _tensor(name, shape, kind, start + offset, end)
            for name, shape, kind, offset in table
        },
    )


def _entry(cursor: _Cursor) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape, kind and offset."""
    name, dimensions = cursor.text(), cursor.number("I")
    if dimensions > MOST_DIMENSIONS:
        raise ValueError(f"tensor {name!r} has {dimensions} dimensions")
    shape = cursor.numbers(f"{dimensions}Q")
    return name, tuple(reversed(shape)), cursor.number("I"), cursor.number("Q")


def _tensor(name: str, shape: tuple[int, ...], kind: int, start: int, end: int) -> Tensor:
    """The tensor from byte `start` of a file of `end` bytes."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    if not shape or shape[-1] % block:
        raise ValueError(f"tensor {name!r} of shape {shape} is not of whole blocks of {block}")
    tensor = Tensor(shape, kind, start, prod(shape) // block * size)
    if tensor.start + tensor.size > end:
        raise IndexError(
            f"tensor {name!r} would end at byte {tensor.start + tensor.size:,} of {end:,}"
        )
    return tensor
