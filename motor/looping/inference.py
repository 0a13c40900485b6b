"""Ask an iteration's model about every recording of a loop, and keep what it says."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from grid.store.store import write_text
from motor.lazy import pandas as pd
from motor.looping.loop import Loop, LoopError
from motor.recordings.recording import Recording
from motor.recordings.table import open_recordings

PROBABILITY = "probability_"
Judge = Callable[[Sequence[Recording]], "pd.DataFrame"]


def infer(loop: Loop, number: int, judge: Judge) -> "pd.DataFrame":
    """Judge every recording, write the table whole or not at all, and return it.

    Parameters
    ----------
    loop : Loop
    number : int
        Of the iteration whose model `judge` is.
    judge : callable
        Returns a row for each recording that it can judge: item, label, ``probability_<class>``, unlike.
    """
    found = judge(list(recordings(loop)))
    write_text(loop.inferred(number), found.to_csv(index=False))
    return found


def read_inferred(loop: Loop, number: int) -> "pd.DataFrame":
    """Return what an iteration's model said, indexed by item.

    Raises
    ------
    LoopError
        If nobody has asked it.
    """
    if not loop.inferred(number).is_file():
        raise LoopError(f"the model of iteration {number} was not asked yet: launch.py loop infer")
    return pd.read_csv(loop.inferred(number), dtype={"item": str, "label": str}).set_index("item")


def recordings(loop: Loop) -> Iterator[Recording]:
    """Yield every recording of a loop, without its label."""
    for folder in loop.tables():
        table = open_recordings(folder)
        for place, row in enumerate(table.meta.to_dict("records")):
            known: dict[str, Any] = {name: _known(row[name]) for name in ("moment", "speed_rpm", "recorded_at")}
            whose = (row["item"], row["motor"], row["domain"], "", float(row["sampling_rate_hz"]))
            yield Recording(*whose, table.signal(place), **known, turned=table.turned(place))


def meta_of(loop: Loop) -> "pd.DataFrame":
    """Return what is known of every recording, with the labels that came with the data."""
    return pd.concat([open_recordings(folder).meta for folder in loop.tables()], ignore_index=True)


def labels_of_data(loop: Loop) -> dict[str, str | None]:
    """Return the labels that came with the data, by item; None where there came none."""
    meta = meta_of(loop)
    return {item: _known(label) for item, label in zip(meta["item"], meta["label"], strict=True)}


def _known(value: Any) -> Any:
    return None if value is None or value != value else value
