"""The lengths that the heads of files of sound state: libsndfile reads what is left of a file, whatever it holds.

Their chunks and pages are walked: AIFF (Apple, Audio Interchange File Format AIFF-C, 1991), AU (Sun), CAF (Apple, Core
Audio Format Specification 1.0) and Ogg (RFC 3533).
"""

import mmap
import os
import struct
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from motor.recordings.formats.flac import MARK

UNKNOWN = 0xFFFFFFFF
CHUNK_OF_CAF = 12  # bytes of the head of a chunk: what is shorter is none
PAGE, HEAD_OF_PAGE, FIRST, LAST = b"OggS", 27, 2, 4
# Encodings with as many bytes for each frame: of AIFF-C, and of AU with how many bytes a sample has.
EVEN_AIFF = "NONE twos sowt raw in24 in32 42ni 23ni fl32 FL32 fl64 FL64 ulaw ULAW alaw ALAW"
EVEN_AU = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
AU_OF_SMALL_END = b"dns."  # whose numbers are little-endian
STREAM = MARK + b"\0\0\0\x22"  # how a FLAC stream begins


class Length(NamedTuple):
    """Where a file ends by its own account, and how many frames it has; None where that is known once decoded."""

    end: int
    n_frames: int | None = None


class BrokenError(ValueError):
    """A file whose parts do not fit together; the text says how."""


def length_of_flac(file: IO[bytes], size: int) -> Length:
    """Return its size: the number of samples in its head is compared with those that are decoded."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(STREAM, len(STREAM)) >= 0:
            raise BrokenError("a second stream follows the first, of which alone can be read")
    return Length(size)


def length_of_aiff(file: IO[bytes], size: int) -> Length:
    """Return the end of the form or of its samples, and the frames that the chunk COMM states."""
    file.seek(0)
    (end, form), n_frames = struct.unpack(">4xI4s", file.read(12).ljust(12, b"\0")), None
    end += 8
    even = {kind.encode().ljust(4) for kind in EVEN_AIFF.split()}
    for name, begin, n_bytes in _chunks(file, 12, size, ">4sI", 2):
        if name == b"COMM":
            file.seek(begin)
            content = file.read(22).ljust(22, b"\0")
            n_frames = struct.unpack(">2xI", content[:6])[0] if form == b"AIFF" or content[18:] in even else None
        elif name == b"SSND":
            end = max(end, begin + n_bytes)
    return Length(end, n_frames)


def length_of_au(file: IO[bytes], size: int) -> Length:
    """Return the end of the samples, and how many frames would fill the file: nothing may stand behind them."""
    file.seek(0)
    order = "<" if file.read(4) == AU_OF_SMALL_END else ">"
    begin, n_bytes, encoding, _, n_channels = struct.unpack(f"{order}5I", file.read(20).ljust(20, b"\0"))
    frame_bytes = EVEN_AU.get(encoding, 0) * n_channels
    n_frames = -(-(size - begin) // frame_bytes) if frame_bytes else None
    return Length(size if n_bytes == UNKNOWN else begin + n_bytes, n_frames)


def length_of_caf(file: IO[bytes], size: int) -> Length:
    """Return the end of the last chunk, and the frames that the bytes of the chunk data hold."""
    end, packet, n_frames = 8, (0, 0), None
    for name, begin, n_bytes in _chunks(file, 8, size, ">4sq", 1):
        if name == b"desc":
            file.seek(begin + 16)
            packet = struct.unpack(">II", file.read(8).ljust(8, b"\0"))  # bytes and frames of each
        elif name == b"data":
            if n_bytes < 0:  # to the end of the file
                return Length(size)
            n_frames = -(-(n_bytes - 4) // packet[0]) if packet[0] and packet[1] == 1 else None
        end = begin + max(n_bytes, 0)
    file.seek(min(end, size))
    if any(file.read(CHUNK_OF_CAF)):
        raise BrokenError(f"{size - end} bytes come after its last chunk")
    return Length(end, n_frames)


def length_of_ogg(file: IO[bytes], size: int) -> Length:
    """Return the end of the last page, one more if it is not marked as the last; raise if one is missing."""
    place, expected, is_last = 0, 0, False
    while place < size:
        file.seek(place)
        page = file.read(HEAD_OF_PAGE)
        if len(page) < HEAD_OF_PAGE or not page.startswith(PAGE):
            return Length(size + 1)
        if place and page[5] & FIRST:
            raise BrokenError("a second stream follows the first, of which alone can be read")
        (number,) = struct.unpack("<I", page[18:22])
        if number != expected:
            raise BrokenError(f"page {expected} of its stream is missing at byte {place}")
        expected, is_last = expected + 1, bool(page[5] & LAST)
        place += HEAD_OF_PAGE + page[26] + sum(file.read(page[26]))
    return Length(place if is_last else size + 1)


def _chunks(file: IO[bytes], place: int, size: int, form: str, even: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, begin and number of bytes of each chunk; each begins at a multiple of `even`."""
    n_head = struct.calcsize(form)
    while place + n_head <= size:
        file.seek(place, os.SEEK_SET)
        name, n_bytes = struct.unpack(form, file.read(n_head))
        yield name, place + n_head, n_bytes
        place += n_head + max(n_bytes, 0)
        place += place % even


LENGTHS: dict[bytes, Callable[[IO[bytes], int], Length]] = {
    MARK: length_of_flac,
    b"FORM": length_of_aiff,
    b".snd": length_of_au,
    AU_OF_SMALL_END: length_of_au,
    b"caff": length_of_caf,
    PAGE: length_of_ogg,
}
