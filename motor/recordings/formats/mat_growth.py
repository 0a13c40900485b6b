"""Whether a packed ``.mat`` file holds more than a series may: a small file can unpack to many gigabytes."""

import math
import struct
import zlib
from pathlib import Path
from typing import Any

from motor.recordings.recording import SeriesError

LOOKED_AT = 4096  # bytes of an element's head
NUMBERS, COMPLEX = range(6, 16), 0x0800  # classes of matrices, and the flag of an imaginary part
COMPRESSED = 15  # the type of an element that is packed by zlib
HEAD_BYTES = 128
BLOCK = 2**20


def check_growth(path: Path, max_samples: int) -> None:
    """Raise if a packed element holds more than a series may: a small file can unpack to many gigabytes."""
    most = 16 * max_samples + BLOCK
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES or head[126:128] not in (b"IM", b"MI"):
            return
        order = "<" if head[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, n_bytes = struct.unpack(f"{order}II", tag)
            begin = file.tell()
            is_large = kind == COMPRESSED and 1032 * n_bytes > most  # zlib packs no better
            if is_large and not _is_plain(file.read(min(LOOKED_AT, n_bytes)), order, most):
                file.seek(begin)
                _check_unpacked(file, n_bytes, most, path, max_samples)
            file.seek(begin + n_bytes)


def _check_unpacked(file: Any, n_bytes: int, most: int, path: Path, max_samples: int) -> None:
    unpacking, total = zlib.decompressobj(), 0
    while n_bytes > 0 and (packed := file.read(min(BLOCK, n_bytes))):
        n_bytes -= len(packed)
        while packed:
            total += len(unpacking.decompress(packed, BLOCK))
            packed = unpacking.unconsumed_tail
            if total > most:
                raise SeriesError(
                    f"{path}: a variable unpacks to more than {most} bytes; a series has at most {max_samples} "
                    "samples; cut the recording, or raise max_samples"
                )


def _is_plain(packed: bytes, order: str, most: int) -> bool:
    """Tell whether an element is a real matrix that has no more bytes than its shape says, by its head alone.

    MAT-File Format, MathWorks 2024, "Level 5 MAT-File Format": flags, dimensions, name and the real part follow one
    another, each with its type and its bytes before it.
    """
    head = zlib.decompressobj().decompress(packed, LOOKED_AT)
    try:
        flags = struct.unpack_from(f"{order}I", head, 16)[0]
        n_dimensions = struct.unpack_from(f"{order}I", head, 28)[0] // 4
        shape = struct.unpack_from(f"{order}{min(n_dimensions, 8)}i", head, 32)
        place = 32 + 4 * (n_dimensions + n_dimensions % 2)
        small, n_bytes = struct.unpack_from(f"{order}II", head, place)
        place += 8 if small >> 16 else 8 + n_bytes + -n_bytes % 8  # short names stand in their own tag
        small, n_bytes = struct.unpack_from(f"{order}II", head, place)
    except struct.error:
        return False
    n_most = 8 * math.prod(shape)
    is_real = flags & 0xFF in NUMBERS and not flags & COMPLEX and not small >> 16
    return is_real and n_dimensions <= 8 and 0 < n_bytes <= n_most <= most
