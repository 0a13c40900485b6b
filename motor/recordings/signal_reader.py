"""What readers of signal files share: how a signal is found in its file."""

from typing import Literal

from pydantic import Field, model_validator

from motor.recordings.formats.table import TableLayout
from motor.recordings.readers.base import Reader
from motor.recordings.signals import SignalOptions


class SignalReader(Reader):
    """A reader of one signal a file.

    Attributes
    ----------
    variable : str, optional
        Variable of the ``.mat`` files or column of the ``.csv`` files, if they hold several: a name, a pattern that one
        name matches, ``column 5``, ``bearing.gs`` (a field of a struct), ``data(:,2)`` (a column of a matrix).
    delimiter : str, optional
        What separates the columns of ``.csv`` files; found by their first lines where it is not set.
    decimal : {".", ","}
        What separates a number's fraction in ``.csv`` files.
    skip_rows : int, optional
        Lines above the table in ``.csv`` files (titles); comments (#) at the top are passed over by themselves.
    """

    variable: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    skip_rows: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _check_marks(self) -> "SignalReader":
        if self.delimiter == self.decimal:
            raise ValueError(f"delimiter and decimal are both {self.decimal!r}; set another delimiter")
        return self

    def options(self, variable: str | None = None) -> SignalOptions:
        """Return how a signal is found in its file, perhaps by a variable of its own."""
        table = TableLayout(self.delimiter, self.decimal, self.skip_rows)
        return SignalOptions(variable or self.variable, table, self.max_samples)
