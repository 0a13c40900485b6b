"""What readers share that take several signals, which were measured at one time, out of one place."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from motor.recordings.channels import moment_of
from motor.recordings.fields import Value
from motor.recordings.names import cleaned, fault_of, is_nothing, shown
from motor.recordings.readers.base import Reader, Source
from motor.recordings.recording import AbsentError, DataError, SeriesError, near
from motor.recordings.signals import finite_signal
from motor.recordings.tacho import Names, Tacho

SIGNAL = ("signal", "target")  # the column of the one signal where no channels are named
TACHO = "(tacho)"
Load = Callable[[], tuple[np.ndarray, float | None]]


def is_left_out(value: Any) -> bool:
    """Tell whether a setting stays out of records, as before there was such a setting."""
    return value in ({}, None, "fail")


class Channelled(Reader):
    """A reader of places (files, rows, objects) that hold one signal each, or several channels.

    Attributes
    ----------
    channels : dict
        Channel -> its name in each place: a column, a key, or in signal files as `variable` is written; of several
        names the first that is there counts. Each channel is a recording ``"<item>:<channel>"``. Channels are domains,
        all of them, and those of one place then share a moment; or none is, and something else tells the domain.
    on_missing_channel : {"fail", "skip"}
        What a place does that has not all channels; those left out are listed with the bad series.
    tacho : Tacho, optional
        The channel of a tachometer, which is no recording: it tells the shaft's angle for those of the others, and
        their `speed_rpm` where nothing else tells it.
    """

    channels: dict[str, Names] = Field(default={}, exclude_if=is_left_out)
    on_missing_channel: Literal["fail", "skip"] = Field(default="fail", exclude_if=is_left_out)
    tacho: Tacho | None = Field(default=None, exclude_if=is_left_out)

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
    def _check_one_teller(self) -> "Channelled":
        strangers = [name for name in self.channels if name not in self.domains]
        if strangers and len(strangers) < len(self.channels):
            raise ValueError(
                f"channels names {strangers[0]!r}, which is not in domains: {', '.join(self.domains)}; name domains "
                "alone, or none of them"
            )
        if self.tells_domain and "domain" in self.constants:
            raise ValueError("channels tell the domain, and constants too; keep one of them")
        if self.tells_domain and "(?P<domain>" in (self.pattern or ""):
            raise ValueError("channels tell the domain, and a group of pattern too; keep one of them")
        if self.channels and (both := [name for name in SIGNAL if name in self.columns]):
            raise ValueError(f"channels and columns.{both[0]} are both set; keep one of them")
        return self

    @model_validator(mode="after")
    def _check_tacho(self) -> "Channelled":
        if self.tacho is not None and not self.channels:
            raise ValueError(
                "tacho is set, and no channels beside it; name the sensors' channels, say {vibration: column 2}"
            )
        if self.tacho is not None and TACHO in self.channels:
            raise ValueError(f"a channel is named {TACHO!r}, and tacho is set, too; keep one of them")
        return self

    @property
    def read_channels(self) -> dict[str, tuple[str, ...]]:
        """Channel -> names in each place, the tachometer's among them under a name of its own."""
        return self.channels if self.tacho is None else {**self.channels, TACHO: self.tacho.channel}

    @property
    def tells_domain(self) -> bool:
        """Whether a signal's channel is its domain."""
        return any(name in self.domains for name in self.channels)

    def tolerates(self, error: SeriesError) -> bool:
        """Tell whether a series at fault is left out; so is a channel that its place need not have."""
        return super().tolerates(error) or (isinstance(error, AbsentError) and self.on_missing_channel == "skip")

    def needed_columns(self) -> tuple[str, ...]:
        """Return the columns that a table has to have; see `Reader.needed_columns`."""
        return tuple(name for name in self.required_columns if not self.channels or name not in SIGNAL)

    def found_columns(self, header: Sequence[str], place: str) -> dict[str, str]:
        """Return which column holds which field; the one signal's is none where channels are named."""
        found = super().found_columns(header, place)
        return {name: column for name, column in found.items() if not self.channels or name not in SIGNAL}

    def channel_columns(self, header: Sequence[str], place: str) -> dict[str, str]:
        """Return the column of each channel that a table has.

        Raises
        ------
        DataError
            If one is not there, unless channels may be missing, or if none is.
        """
        by_form = {cleaned(column): column for column in reversed(header)}
        found = {
            name: next((by_form[cleaned(one)] for one in of if cleaned(one) in by_form), None)
            for name, of in self.read_channels.items()
        }
        there = {name: column for name, column in found.items() if column is not None}
        if len(there) < len(found) and (self.on_missing_channel == "fail" or not there.keys() - {TACHO}):
            name = next(name for name, column in found.items() if column is None)
            of = self.read_channels[name]
            raise DataError(
                f"{place}: no column {' or '.join(map(repr, of))} for channel {name}{near(of[0], header)}; there are: "
                f"{', '.join(header)}; set {'tacho.channel' if name == TACHO else f'channels.{name}'} to one of them, "
                "or on_missing_channel: skip"
            )
        return there

    def of_channels(
        self,
        item: str,
        place: str,
        loads: Mapping[str, Load],
        columns: Mapping[str, Value],
        own: Mapping[str, Value] | None = None,
        n_bytes: int = 0,
    ) -> Iterator[Source]:
        """Yield one source for each channel of a place.

        Parameters
        ----------
        item : str
            Name of the place; of a channel's recording it is the first part.
        place : str
            For messages.
        loads : mapping
            Channel -> what returns its signal and rate; those of `read_channels`.
        columns, own : mapping
            What a table, and what the place itself tells.
        n_bytes : int
            Of each channel.
        """
        fields = dict(own or {})
        if self.tells_domain and not is_nothing(columns.get("domain")):
            raise DataError(
                f"{place}: the domain is {shown(columns['domain'])} by the table, and channels tell it, too; take the "
                "column out, or name channels that are no domains"
            )
        if self.tells_domain and len(self.channels) > 1:
            fields["moment"] = moment_of(item) if is_nothing(fields.get("moment")) else fields["moment"]
        searched = item if self.tells_domain else None
        turned = cache(self._turned(loads[TACHO], place)) if TACHO in loads else None
        for name, load in loads.items():
            if name == TACHO:
                continue
            tells = {"domain": name} if self.tells_domain else {}
            yield Source(
                f"{item}:{name}", f"{place}, channel {name}", load, columns, fields | tells, searched, n_bytes, turned
            )

    def _turned(self, load: Load, place: str) -> Callable[[float], np.ndarray]:
        """Return what reads a tachometer's pulses, given the rate of the channels beside it."""

        def turned(sampling_rate_hz: float) -> np.ndarray:
            assert self.tacho is not None
            signal, own_rate = load()
            return self.tacho.turned(finite_signal(signal, place), own_rate or sampling_rate_hz, place)

        return turned
