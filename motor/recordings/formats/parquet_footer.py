"""How many values each column of a Parquet file declares, out of its footer, before any of them is decoded.

Arrow's own accessor of a column's metadata ends the whole process where a footer is damaged, so the footer is read
here: Thrift's compact protocol (its specification is doc/specs/thrift-compact-protocol.md of apache/thrift), and the
fields that parquet.thrift of apache/parquet-format gives.
"""

import struct
from pathlib import Path
from typing import Any, NamedTuple

MAGIC = b"PAR1"
DEEPEST = 20
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
WHOLE = (4, 5, 6)  # numbers of 16, 32 and 64 bits
# Places of fields: of the file, a row group, a column's chunk and what that says of itself.
ROW_GROUPS, COLUMNS, N_ROWS, META_DATA, PATH, N_VALUES, N_BYTES = 4, 1, 3, 3, 3, 5, 6


class Chunk(NamedTuple):
    """The values of one column in one row group."""

    path: tuple[str, ...]
    n_values: int
    n_bytes: int  # unpacked


class RowGroup(NamedTuple):
    """Some rows of a file."""

    n_rows: int
    chunks: tuple[Chunk, ...]

    def n_samples(self, column: str) -> int:
        """Return how many samples the cells of a column of signals hold; of binary cells at most as many."""
        of_column = [chunk for chunk in self.chunks if chunk.path[:1] == (column,)]
        return sum(chunk.n_values if len(chunk.path) > 1 else chunk.n_bytes // 4 for chunk in of_column)


def row_groups(file: Path) -> tuple[RowGroup, ...]:
    """Return what the footer of a Parquet file says of its row groups.

    Raises
    ------
    ValueError
        If the file has no footer, or a damaged one.
    """
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - 8))
        tail = stream.read(8)
        length = struct.unpack("<I", tail[:4])[0] if len(tail) == 8 else 0
        if tail[4:] != MAGIC or length > size - 8:
            raise ValueError("no footer at its end")
        stream.seek(size - 8 - length)
        footer = stream.read(length)
    try:
        content = _Reader(footer).struct(0)
        return tuple(_row_group(group) for group in content[ROW_GROUPS])
    except (KeyError, IndexError, TypeError, AttributeError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"its footer is damaged ({error!r})") from error


def _row_group(group: dict[int, Any]) -> RowGroup:
    described = [chunk[META_DATA] for chunk in group[COLUMNS]]
    chunks = (Chunk(tuple(part.decode() for part in one[PATH]), one[N_VALUES], one[N_BYTES]) for one in described)
    made = RowGroup(group[N_ROWS], tuple(chunks))
    if made.n_rows < 0 or any(chunk.n_values < 0 or chunk.n_bytes < 0 for chunk in made.chunks):
        raise ValueError("its footer is damaged (it counts below 0)")
    return made


class _Reader:
    """Reads Thrift's compact protocol; structs become mappings by the place of their fields."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def taken(self, n_bytes: int) -> bytes:
        if n_bytes > len(self.content) - self.place:
            raise ValueError("its footer is damaged (it ends too early)")
        self.place += n_bytes
        return self.content[self.place - n_bytes : self.place]

    def varint(self) -> int:
        value, shift = 0, 0
        while shift < 70:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise ValueError("its footer is damaged (a number without end)")

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int) -> dict[int, Any]:
        if depth > DEEPEST:
            raise ValueError("its footer is damaged (nested without end)")
        fields: dict[int, Any] = {}
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            kind = head & 0x0F
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self.value(kind, depth)
        return fields

    def value(self, kind: int, depth: int) -> Any:
        if kind in (TRUE, FALSE, BYTE):
            return self.byte()
        if kind in WHOLE:
            return self.zigzag()
        if kind == DOUBLE:
            return struct.unpack("<d", self.taken(8))[0]
        if kind == BINARY:
            return self.taken(self.varint())
        if kind in (LIST, SET):
            head = self.byte()
            return self.several(head & 0x0F, head >> 4 if head >> 4 < 15 else self.varint(), depth)
        if kind == MAP:
            size = self.varint()
            kinds = self.byte() if size else 0
            return [(self.value(kinds >> 4, depth + 1), self.value(kinds & 0x0F, depth + 1)) for _ in range(size)]
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ValueError(f"its footer is damaged (type {kind})")

    def several(self, kind: int, size: int, depth: int) -> list[Any]:
        if size > len(self.content) - self.place:
            raise ValueError("its footer is damaged (a list longer than itself)")
        return [self.value(kind, depth + 1) for _ in range(size)]
