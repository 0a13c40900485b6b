"""Many short files in time order as one recording."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from motor.recordings.fields import Value
from motor.recordings.formats.shapes import check_length
from motor.recordings.names import natural
from motor.recordings.readers.source import Source
from motor.recordings.recording import NEXT_STEP, DataError, SeriesError, is_constant

Claimed = tuple[Source, dict[str, Value]]
SAME = ("motor", "domain", "label", "speed_rpm", "fold", "reference")  # of which one recording has one value


def joined(claimed: Iterable[Claimed], max_samples: int, keeps_time: bool = True) -> Iterator[Claimed]:
    """Yield one source for all pieces of a recording; their signals are read when it is.

    Parameters
    ----------
    claimed : iterable of (Source, fields)
    max_samples : int
        Of the whole recording.
    keeps_time : bool
        Whether the recording has the time of its first piece. What is cut from it has none: between pieces there may
        be gaps.

    Raises
    ------
    DataError
        If the pieces' order is not known.
    """
    groups: dict[tuple[Value, ...], list[Claimed]] = {}
    for source, fields in claimed:
        groups.setdefault(tuple(fields[name] for name in SAME), []).append((source, fields))
    for pieces in groups.values():
        ordered = _in_order(pieces)
        yield ordered[0] if len(ordered) == 1 else _one(ordered, max_samples, keeps_time)


def _in_order(pieces: Sequence[Claimed]) -> list[Claimed]:
    """Return pieces by time, where none has one by name."""
    lacking = [source for source, fields in pieces if fields["recorded_at"] is None]
    if len(lacking) == len(pieces):
        return sorted(pieces, key=lambda piece: natural(piece[0].item))
    if lacking:
        raise DataError(
            f"{lacking[0].place}: {lacking[0].item!r} has no recorded_at, and {len(pieces) - len(lacking)} other "
            f"pieces of motor {pieces[0][1]['motor']!r} have one, so join does not know their order; give it to all of "
            "them, or to none: then their names count"
        )
    ordered = sorted(pieces, key=_time)
    for one, other in pairwise(ordered):
        if _time(one) == _time(other):
            raise DataError(
                f"{other[0].place}: {other[0].item!r} and {one[0].item!r} have the same recorded_at, so join does not "
                "know their order; correct it, or take one of them out"
            )
    return ordered


def _time(piece: Claimed) -> float:
    time = piece[1]["recorded_at"]
    assert isinstance(time, float)
    return time


def _one(pieces: Sequence[Claimed], max_samples: int, keeps_time: bool) -> Claimed:
    """Return a recording of several pieces; its rate is what all of them have."""
    (first, fields), (last, _) = pieces[0], pieces[-1]
    sources = [source for source, _ in pieces]
    place = f"{first.place} to {last.place}"
    for source, of_piece in pieces:
        _check_rates(fields["sampling_rate_hz"], of_piece["sampling_rate_hz"], source)
        _check_rates(first.own.get("sampling_rate_hz"), source.own.get("sampling_rate_hz"), source)
    whole = Source(
        item=f"{first.item}+{len(pieces) - 1}",
        place=place,
        load=partial(_load, sources, max_samples, place),
        own=first.own,
        name=first.name,
        n_bytes=sum(source.n_bytes for source in sources),
    )
    moments = [of_piece["moment"] for _, of_piece in pieces]
    time = fields["recorded_at"] if keeps_time else None
    return whole, {**fields, "moment": _moment(moments), "recorded_at": time}


def _moment(moments: Sequence[Value]) -> str | None:
    """Return a name that recordings share whose pieces have the same moments in the same order."""
    if None in moments:
        return None
    digest = hashlib.sha256("\0".join(map(str, moments)).encode()).hexdigest()[:12]
    return f"{len(moments)} pieces~{digest}"


def _load(sources: Sequence[Source], max_samples: int, place: str) -> tuple[np.ndarray, float | None]:
    """Return the pieces' samples, one after the other; a bad piece is a fault of the whole."""
    signals: list[np.ndarray] = []
    n_samples, rate_hz = 0, None
    for number, source in enumerate(sources):
        signal, own_hz = source.load()
        rate_hz = own_hz if not number else rate_hz
        _check_rates(rate_hz, own_hz, source)
        if len(signal) and is_constant(signal):
            raise SeriesError(
                f"{source.place}: {source.item!r}, a piece of a joined recording, is constant, every sample is "
                f"{signal[0]}; take the file out, or {NEXT_STEP}"
            )
        n_samples += len(signal)
        check_length(n_samples, max_samples, place)
        signals.append(signal)
    return np.concatenate(signals), rate_hz


def _check_rates(first: Value, other: Value, source: Source) -> None:
    """Raise if two pieces tell two rates."""
    if first != other:
        raise DataError(
            f"{source.place}: {source.item!r} has the sampling rate {other} Hz and the pieces before it {first} Hz; "
            "join makes one recording of them: correct it, or give them motors of their own"
        )
