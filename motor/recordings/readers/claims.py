"""Names of items and motors as they come, and the stop where two of them are one to a person's eye."""

from motor.recordings.names import alike, fault_of, printable, seen, told_apart
from motor.recordings.readers.source import Source
from motor.recordings.recording import DataError


class Claims:
    """Items and motors named so far, and where.

    Parameters
    ----------
    advice : str
        What to do about an item that comes twice.
    """

    def __init__(self, advice: str) -> None:
        self.advice = advice
        self.items: dict[str, tuple[str, str]] = {}
        self.motors: dict[str, tuple[str, str]] = {}

    def check_item(self, source: Source) -> None:
        """Raise if an item's name cannot be, or stands already, perhaps with blanks or signs that show nothing."""
        if fault := fault_of(source.item, longest=None):
            raise DataError(f"{printable(source.place)}: the item's name cannot be: {fault}")
        form = seen(source.item)
        first, place = self.items.get(form, ("", ""))
        if form in self.items and first == source.item:
            raise DataError(
                f"{source.place}: duplicate item {source.item!r}, it stands already at {place}; {self.advice}"
            )
        if form in self.items:
            raise DataError(
                f"{source.place}: item {source.item!r} differs from {first!r} ({place}) only in blanks, decimals or "
                f"the form of its letters{told_apart(source.item, first)}; write it in one way if it is one, and "
                f"{self.advice}"
            )
        self.items[form] = source.item, source.place

    def check_motor(self, motor: str, source: Source) -> None:
        """Raise if a motor stands already in another spelling."""
        first, place = self.motors.setdefault(alike(motor), (motor, source.place))
        if first != motor:
            raise DataError(
                f"{source.place}: motor {motor!r} differs from {first!r} ({place}) only in case, width, blanks, "
                f"look or leading zeros{told_apart(motor, first)}; as two motors, one machine would be trained "
                "upon and tested: write it in one way"
            )
