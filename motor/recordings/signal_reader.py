"""What readers of signal files share: how the signals are found in a file, and what else it tells."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from motor.recordings.channels import SharedFile, value_of
from motor.recordings.fields import Value
from motor.recordings.formats.base import formats
from motor.recordings.formats.layout import MOST_SKIPPED, TableLayout
from motor.recordings.joining import joined
from motor.recordings.names import is_nothing
from motor.recordings.readers.channelled import Channelled, Source, is_left_out
from motor.recordings.readers.source import ItemField
from motor.recordings.signals import SignalOptions, read_signal
from motor.recordings.tacho import Names


class SignalReader(Channelled):
    """A reader of files with one signal, or with several channels.

    Attributes
    ----------
    variable : str, optional
        Variable of the ``.mat`` files or column of the ``.csv`` files, if they hold several: a name, a pattern that one
        name matches, ``column 5``, ``bearing.gs`` (a field of a struct), ``data(:,2)`` (a column of a matrix).
    channels : dict
        As of `Channelled`; ``{stem}`` in a name stands for the file's own, ``{stem:03}`` with zeros before it.
    fields : dict
        Field -> the name in each file of the one value that tells it (a variable, a column, ``@name`` for an
        attribute), written as a channel's; a file without it does not tell the field.
    join : {"by motor"}, optional
        Files in time order are pieces of one recording for each motor, domain, label, speed and fold, which is read as
        if they were one file: by `recorded_at` where they have it, else by their names, numbers in them by size. It is
        named after its first piece, with the number of the others (``a/1.csv+122``).
    format : str, optional
        Format of all files, whatever their suffixes say: ``table`` for text.
    delimiter : str, optional
        What separates the columns of ``.csv`` files; found by their first lines where it is not set.
    decimal : {".", ","}
        What separates a number's fraction in ``.csv`` files.
    skip_rows : int, optional
        Lines above the table in ``.csv`` files (titles); comments (#) at the top are passed over by themselves.
    """

    variable: str | None = None
    fields: dict[ItemField, Names] = Field(default={}, exclude_if=is_left_out)
    join: Literal["by motor"] | None = Field(default=None, exclude_if=is_left_out)
    format: str | None = Field(default=None, exclude_if=is_left_out)
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    skip_rows: int | None = Field(default=None, ge=0, le=MOST_SKIPPED)

    @field_validator("format")
    @classmethod
    def _check_format(cls, name: str | None) -> str | None:
        if name is not None and name not in formats():
            raise ValueError(f"unknown format {name!r}; there are: {', '.join(formats())}")
        return name

    @model_validator(mode="after")
    def _check_marks(self) -> "SignalReader":
        if self.delimiter == self.decimal:
            raise ValueError(f"delimiter and decimal are both {self.decimal!r}; set another delimiter")
        return self

    @model_validator(mode="after")
    def _check_one_variable(self) -> "SignalReader":
        if self.channels and self.variable is not None:
            raise ValueError("channels and variable are both set; keep one of them")
        if self.tells_domain and "domain" in self.fields:
            raise ValueError("channels tell the domain, and fields too; keep one of them")
        return self

    @model_validator(mode="after")
    def _check_join(self) -> "SignalReader":
        if self.join and self.tacho is not None:
            raise ValueError("join makes one recording of several files, and tacho is read file by file; keep one")
        if self.join and self.life:
            raise ValueError(
                f"labels by {self.life.by} need the place of each file in a motor's life, and join makes one recording "
                "of them; keep one of the two"
            )
        return self

    def options(self, variable: str | None = None) -> SignalOptions:
        """Return how a signal is found in its file, perhaps by a variable of its own."""
        table = TableLayout(self.delimiter, self.decimal, self.skip_rows)
        return SignalOptions(variable or self.variable, table, self.max_samples, self.format)

    def _claimed(self, sources: Iterable[Source]) -> Iterator[tuple[Source, dict[str, Value]]]:
        """Yield each source with its fields, files that are pieces of one recording as one."""
        claimed = super()._claimed(sources)
        yield from joined(claimed, self.max_samples, not self.series_length) if self.join else claimed

    def of_file(
        self,
        file: Path,
        item: str,
        place: str,
        columns: Mapping[str, Value] | None = None,
        own: Mapping[str, Value] | None = None,
    ) -> Iterator[Source]:
        """Yield one source for each channel of a file, or for its only signal.

        Parameters
        ----------
        file : Path
        item : str
            Name of the file's only recording; of a channel's it is the first part.
        place : str
            For messages.
        columns, own : mapping
            What a table, and what the file's folders tell.
        """
        columns = columns or {}
        variable = columns.get("variable")
        options = self.options(None if is_nothing(variable) else str(variable))
        fields: dict[str, Value] = {**(own or {})}
        fields |= {name: value_of(file, of, options) for name, of in self.fields.items()}
        if not self.channels or options.variable:
            yield Source(item, place, partial(read_signal, file, options=options), columns, fields)
            return
        # Of joined files one channel comes after the other, and the others' samples would be kept all the while.
        shared = SharedFile(file, self.read_channels, options, is_kept=self.join is None)
        n_bytes = 2 * file.stat().st_size // len(self.channels) if file.is_file() else 0  # 16 bits become 32
        loads = {name: partial(shared.signal, name) for name in self.read_channels}
        yield from self.of_channels(item, place, loads, columns, fields, n_bytes)
