"""Settings that every backbone shares, and how they become a forecaster."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, ClassVar

from motor.backbones.forecast import positions_of
from motor.backbones.forecaster import SIDECAR, Forecaster
from motor.backbones.weights import WeightsError
from motor.lazy import torch
from motor.registry import Plugin


@dataclass(frozen=True)
class Outline:
    """What is known of a model before it is built or loaded."""

    patch: int
    n_blocks: int  # of the encoder
    levels: tuple[float, ...]
    head_length: int | None  # samples that one pass forecasts; None is as many as are asked for


class Backbone(Plugin, ABC):
    """Settings of a forecaster."""

    ROOM: ClassVar[str] = "motor.backbones"

    CLOSED_FORM: ClassVar[bool] = False
    """True: its forecaster's `fit` solves for it in this process; no training loop is run, and no worker started."""

    GIVES: ClassVar[tuple[str, ...]] = ()
    """What its forecaster has beside quantiles, by the names in which features ask for it: ``embedding``."""

    SHOWS_TOKENS: ClassVar[bool] = False
    """Whether its forecaster's `blocks` name what gives `tokens`, one for each patch of its `outline`."""

    LOOKS_UP: ClassVar[bool] = False
    """Whether it looks windows up among those of other motors; then it has `top_k`, `key_length` and `stride`."""

    @property
    def gives(self) -> tuple[str, ...]:
        """What the forecaster of these settings has beside quantiles."""
        return self.GIVES

    @property
    def source(self) -> str | None:
        """The folder or hub name of the weights that it starts from; None where it starts from none.

        A backbone that has one calls the setting ``weights``, and lets ``initial: random`` leave their values out.
        """
        return None

    @property
    def sees_together(self) -> bool:
        """Whether the sensors of one motor at one moment go in together, and see one another."""
        return False

    @property
    def begins_with(self) -> tuple["Backbone", ...]:
        """Backbones whose own fine-tunes its training begins with (`Forecaster.begin_with`); a grid shares them."""
        return ()

    @abstractmethod
    def create(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        dropout_rate: float,
        domains: tuple[str, ...],
        seed: int,
    ) -> Forecaster:
        """Build a forecaster that is ready to be trained, or fitted.

        Parameters
        ----------
        context_length, prediction_length : int
            Samples seen and forecast.
        quantile_levels : tuple of float
            Levels to forecast; must contain 0.5 and be among the model's own.
        dropout_rate : float
            Rate in training.
        domains : tuple of str
            With two or more, the model knows each window's domain.
        seed : int
            Of random weights.

        Raises
        ------
        ValueError
            If a quantile level is not one of the model's, or the domain cannot be marked in this way.
        """

    @abstractmethod
    def load(self, folder: Path, domains: tuple[str, ...]) -> Forecaster:
        """Load a forecaster that its `save` wrote.

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the folder is incomplete, of another family, or was trained on other domains.
        """

    def outline(self) -> Outline | None:
        """Return what is known before anything is built; None, the default, where nothing is."""
        return None

    def incompatibilities(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before anything is built: the argument's name, and why.

        Here: packages that are not installed, and levels without the median.
        """
        yield from self._missing_packages()
        try:
            positions_of(quantile_levels, quantile_levels)
        except ValueError as error:
            yield "quantile_levels", str(error)

    def _missing_packages(self) -> Iterator[tuple[str, str]]:
        """Yield the distributions that it imports and that are not there."""
        for name in missing_packages(self.PACKAGES):
            why = f"backbone {self.kind} needs the package {name}, which is not installed here"
            yield "kind", f"{why}; run `pip install {name}`, or choose another backbone"


def missing_packages(names: Iterable[str]) -> list[str]:
    """Return those of some distributions that are not installed."""
    return [name for name in names if not _is_installed(name)]


@cache
def _is_installed(name: str) -> bool:
    """Tell whether a distribution is there; many cells ask for the same ones."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def read_record(folder: Path, kind: str) -> dict[str, Any]:
    """Return what a forecaster's `save` wrote beside its weights.

    Raises
    ------
    motor.backbones.weights.WeightsError
        If there is none, or it is of another kind.
    """
    try:
        record = json.loads((folder / SIDECAR).read_text())
    except FileNotFoundError:
        raise WeightsError(f"{folder} has no {SIDECAR}: no forecaster was saved there, or not whole") from None
    found = record.get("kind")
    if found != kind:
        raise WeightsError(f"{folder} holds a forecaster of kind {found or 'Chronos'}, not {kind}; set backbone.kind")
    return record


def check_record(record: Mapping[str, Any], folder: Path, domains: tuple[str, ...], sees_together: bool) -> None:
    """Raise unless a forecaster's sidecar says that it was trained for these domains, in this way.

    Raises
    ------
    motor.backbones.weights.WeightsError
        Naming what the folder was trained for, and what it is loaded for.
    """
    if tuple(record["domains"]) != tuple(domains):
        raise WeightsError(
            f"{folder} was trained on the domains {record['domains']}, but is loaded for {list(domains)}"
        )
    asked = "together" if sees_together else "apart"
    if record["sensors"] != asked:
        raise WeightsError(
            f"{folder} was trained with backbone.sensors: {record['sensors']}, but is loaded for sensors: {asked}; "
            "the two know the domain in different ways"
        )


def seeded(build: Callable[[], Any], seed: int) -> Any:
    """Run `build()` with torch's CPU generator seeded, and leave the generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()
