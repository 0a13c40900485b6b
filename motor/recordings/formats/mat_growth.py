"""Whether a packed ``.mat`` file holds more than a series may: a small file can unpack to many gigabytes."""

import struct
import zlib
from pathlib import Path
from typing import Any

from motor.recordings.recording import SeriesError

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
            if kind == COMPRESSED and 1032 * n_bytes > most:  # zlib packs no better
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
