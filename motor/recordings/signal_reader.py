"""What readers of signal files share: how the signals are found in a file, and what else it tells."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from motor.recordings.channels import SharedFile, moment_of, value_of
from motor.recordings.formats.base import formats
from motor.recordings.formats.layout import TableLayout
from motor.recordings.joining import joined
from motor.recordings.names import cleaned, fault_of, is_nothing, shown
from motor.recordings.readers.base import Reader, Source
from motor.recordings.readers.source import ItemField
from motor.recordings.recording import AbsentError, DataError, SeriesError
from motor.recordings.signals import SignalOptions, read_signal
from motor.recordings.told import Value


def _names(value: Any) -> Any:
    """Return what a config says of a channel as names in the file: ``2`` is ``column 2``, one name a list of it."""
    listed = value if isinstance(value, list | tuple) else (value,)
    return tuple(f"column {one}" if isinstance(one, int) and not isinstance(one, bool) else one for one in listed)


def _is_left_out(value: Any) -> bool:
    """Tell whether a setting stays out of records, as before there was such a setting."""
    return value in ({}, None, "fail")


Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_names), Field(min_length=1)]


class SignalReader(Reader):
    """A reader of files with one signal, or with several channels.

    Attributes
    ----------
    variable : str, optional
        Variable of the ``.mat`` files or column of the ``.csv`` files, if they hold several: a name, a pattern that one
        name matches, ``column 5``, ``bearing.gs`` (a field of a struct), ``data(:,2)`` (a column of a matrix).
    channels : dict
        Channel -> its name in each file, written as `variable` is, or a number (of a column or channel, from 1); of
        several names the first that is there counts. ``{stem}`` stands for the file's own name, ``{stem:03}`` with
        zeros before it. Each channel is a recording ``"<item>:<channel>"``. Channels are domains, all of them, and
        those of one file then share a moment; or none is, and something else tells the domain.
    on_missing_channel : {"fail", "skip"}
        What a file does that has not all channels; those left out are listed with the bad series.
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
    channels: dict[str, Names] = Field(default={}, exclude_if=_is_left_out)
    on_missing_channel: Literal["fail", "skip"] = Field(default="fail", exclude_if=_is_left_out)
    fields: dict[ItemField, Names] = Field(default={}, exclude_if=_is_left_out)
    join: Literal["by motor"] | None = Field(default=None, exclude_if=_is_left_out)
    format: str | None = Field(default=None, exclude_if=_is_left_out)
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] = "."
    skip_rows: int | None = Field(default=None, ge=0)

    @field_validator("format")
    @classmethod
    def _check_format(cls, name: str | None) -> str | None:
        if name is not None and name not in formats():
            raise ValueError(f"unknown format {name!r}; there are: {', '.join(formats())}")
        return name

    @field_validator("channels")
    @classmethod
    def _check_channels(cls, channels: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        channels = {cleaned(name): of for name, of in channels.items()}
        first: dict[str, str] = {}
        for name, of in channels.items():
            if fault := fault_of(name):
                raise ValueError(f"a channel's name that cannot be: {fault}")
            if first.setdefault(of[0], name) != name:
                raise ValueError(f"{first[of[0]]!r} and {name!r} are both {of[0]!r}; name another for one of them")
        return channels

    @model_validator(mode="after")
    def _check_marks(self) -> "SignalReader":
        if self.delimiter == self.decimal:
            raise ValueError(f"delimiter and decimal are both {self.decimal!r}; set another delimiter")
        return self

    @model_validator(mode="after")
    def _check_one_teller(self) -> "SignalReader":
        if self.channels and self.variable is not None:
            raise ValueError("channels and variable are both set; keep one of them")
        strangers = [name for name in self.channels if name not in self.domains]
        if strangers and len(strangers) < len(self.channels):
            raise ValueError(
                f"channels names {strangers[0]!r}, which is not in domains: {', '.join(self.domains)}; name domains "
                "alone, or none of them"
            )
        if self.tells_domain and "domain" in (*self.constants, *self.fields):
            raise ValueError("channels tell the domain, and constants or fields too; keep one of them")
        if self.tells_domain and "(?P<domain>" in (self.pattern or ""):
            raise ValueError("channels tell the domain, and a group of pattern too; keep one of them")
        return self

    @model_validator(mode="after")
    def _check_join(self) -> "SignalReader":
        if self.join and self.life:
            raise ValueError(
                f"labels by {self.life.by} need the place of each file in a motor's life, and join makes one recording "
                "of them; keep one of the two"
            )
        return self

    @property
    def tells_domain(self) -> bool:
        """Whether a signal's channel is its domain."""
        return any(name in self.domains for name in self.channels)

    def tolerates(self, error: SeriesError) -> bool:
        """Tell whether a series at fault is left out; so is a channel that its file need not have."""
        return super().tolerates(error) or (isinstance(error, AbsentError) and self.on_missing_channel == "skip")

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
        told: dict[str, Value] = {**(own or {})}
        told |= {name: value_of(file, of, options) for name, of in self.fields.items()}
        if not self.channels or options.variable:
            yield Source(item, place, partial(read_signal, file, options=options), columns, told)
            return
        if self.tells_domain and not is_nothing(columns.get("domain")):
            raise DataError(
                f"{place}: the domain is {shown(columns['domain'])} by the table, and channels tell it, too; take the "
                "column out, or name channels that are no domains"
            )
        if self.tells_domain and len(self.channels) > 1:
            told["moment"] = moment_of(item) if is_nothing(told.get("moment")) else told["moment"]
        # Of joined files one channel comes after the other, and the others' samples would be kept all the while.
        shared = SharedFile(file, self.channels, options, is_kept=self.join is None)
        n_bytes = 2 * file.stat().st_size // len(self.channels) if file.is_file() else 0  # 16 bits become 32
        for name in self.channels:
            tells = {"domain": name} if self.tells_domain else {}
            load = partial(shared.signal, name)
            searched = item if self.tells_domain else None
            at = f"{place}, channel {name}"
            yield Source(f"{item}:{name}", at, load, columns, told | tells, searched, n_bytes)
