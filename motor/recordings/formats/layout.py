"""How a table of numbers is written: its delimiter, its decimal mark, and the lines above it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_SKIPPED = 100_000  # lines above a table: more would be read for nothing
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf|infinity)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class TableLayout:
    """How a table is written; None: found by its first lines.

    Attributes
    ----------
    delimiter : str, optional
    decimal : {".", ","}
        What separates a number's fraction.
    skip_rows : int, optional
        Lines above the table: above the names of its columns, or its numbers where it has no names.
    """

    delimiter: str | None = None
    decimal: str = "."
    skip_rows: int | None = None

    def number(self, text: str) -> float | None:
        """Return a cell as a number, None if it is none."""
        if self.decimal == ",":
            text = text.replace(".", "_").replace(",", ".")
        return float(text) if NUMBER.fullmatch(text) else None

    def are_numbers(self, cells: Sequence[str]) -> bool:
        """Tell whether all cells are numbers."""
        return bool(cells) and all(self.number(cell) is not None for cell in cells)


PLAIN = TableLayout()
