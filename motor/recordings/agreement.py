"""What the settings say against what a recording tells by itself, and rates that no recorder has."""

import math
from collections.abc import Collection, Mapping

from motor.recordings.fields import Value, positive
from motor.recordings.names import cleaned, is_nothing, shown
from motor.recordings.recording import DataError

LOWEST_HZ, HIGHEST_HZ = 10.0, 1e9
LOWEST_STATED_HZ = 200.0  # by a table or a name, where rates stand in kHz: 12, 25.6, 48, 102.4
SAME = 1e-6  # relative difference of two rates that are one, rounded


def check_constants(
    own: Mapping[str, Value],
    constants: Mapping[str, Value],
    names: Mapping[str, Collection[str]],
    item: str,
    place: str,
) -> None:
    """Raise if a folder tells a domain or a label, and the constants of the settings another.

    Parameters
    ----------
    own : mapping
        What the file tells by itself (its folders).
    constants : mapping
        What the settings say of all recordings.
    names : mapping
        The domains and raw labels that there are: another folder's name tells neither.
    """
    for name, known in names.items():
        by_file, by_settings = own.get(name), constants.get(name)
        if is_nothing(by_file) or is_nothing(by_settings):
            continue
        if cleaned(by_file) in known and cleaned(by_file) != cleaned(by_settings):
            raise DataError(
                f"{place}: item {item!r} has the {name} {shown(by_file)} by its folder, and {shown(by_settings)} by "
                f"constants.{name}; take the constant out, or move the file"
            )


def agreed_rate(of_item: Value, of_file: Value, of_all: Value, item: str, place: str) -> float | None:
    """Return the sampling rate of a recording in Hz, None if nothing tells it.

    Parameters
    ----------
    of_item : float or str, optional
        By a column of the table or a group of the pattern: of this recording, so it comes first.
    of_file : float or str, optional
        By the file itself (the head of a WAV, timestamps).
    of_all : float or str, optional
        By the settings, for all.

    Raises
    ------
    DataError
        If it is no number above 0; if the file and the settings contradict one another; or if the data tells a rate
        that no recorder has, which is another unit's.
    """
    stated, own, settings = (positive(value, "sampling_rate_hz", item, place) for value in (of_item, of_file, of_all))
    if stated is None and own is not None and settings is not None and not math.isclose(own, settings, rel_tol=SAME):
        raise DataError(
            f"{place}: item {item!r} has the sampling rate {own:g} Hz by its file, and {settings:g} Hz by the "
            "settings; take sampling_rate_hz out, or correct it; a column or a group of the pattern comes before both"
        )
    by_data = own if stated is None else stated
    lowest = LOWEST_HZ if stated is None else LOWEST_STATED_HZ
    if by_data is not None and not lowest <= by_data <= HIGHEST_HZ:
        raise DataError(
            f"{place}: item {item!r} has the sampling rate {by_data:g} Hz, which no recorder of vibration or sound has "
            f"({lowest:g} to {HIGHEST_HZ:g}): is it in kHz, or are its timestamps in milliseconds? Give Hz, or set "
            "sampling_rate_hz, and map no column to it"
        )
    return settings if by_data is None else by_data
