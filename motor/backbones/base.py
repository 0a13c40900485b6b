"""Settings that every backbone shares, those of the Chronos families, and how they become a forecaster."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from motor.backbones.forecaster import SIDECAR, Forecaster, HorizonMethod, positions_of
from motor.backbones.weights import WeightsError, check_family, read_config, weights_folder
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
    """True: its forecaster has `fit`, which solves for it in two passes over windows; no training loop is run."""

    EMBEDS: ClassVar[bool] = True
    """False: its forecaster has no encoder, so nothing but its forecasts can be taken as features."""

    @property
    @abstractmethod
    def source(self) -> str | None:
        """The folder or hub name of the weights that it starts from; None where it starts from none."""

    @property
    def sees_together(self) -> bool:
        """Whether the sensors of one motor at one moment go in together, and see one another."""
        return False

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
            With two or more, the model is told each window's domain.
        seed : int
            Of random weights.

        Raises
        ------
        ValueError
            If a quantile level is not one of the model's, or the domain cannot be told in this way.
        """

    @abstractmethod
    def load(self, folder: Path, domains: tuple[str, ...]) -> Forecaster:
        """Load a forecaster that its `save` wrote.

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the folder is incomplete, of another family, or was trained on other domains.
        """

    @abstractmethod
    def outline(self) -> Outline | None:
        """Return what is known before anything is built; None where nothing is."""

    @abstractmethod
    def misfits(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before anything is built: the argument's name, and why."""


class ChronosBackbone(Backbone):
    """A Chronos model: weights in the stock format, or the sizes of a small one with random weights."""

    FORECASTER: ClassVar[type[Forecaster]]
    ARCHITECTURE: ClassVar[str]
    LEVELS: ClassVar[tuple[float, ...]]
    SIZES: ClassVar[tuple[str, ...]] = ("d_model", "d_kv", "d_ff", "num_layers", "num_heads")
    """Settings that say how large a model is that starts from no weights."""

    weights: str | None = Field(
        default=None, exclude=True, description="local folder or hub name; its digest enters the record instead"
    )
    initial: Literal["weights", "random"] = Field(
        default="weights", description="``random``: the weights' sizes with random values, to see what their values do"
    )
    horizon: Literal["resize", "roll_out"] = Field(
        default="resize", description="what is done where the weights' head is shorter than the horizon"
    )
    d_model: int = Field(default=64, ge=1, description="width; this and the sizes below are used only without weights")
    d_kv: int = Field(default=16, ge=2, multiple_of=2, description="width of an attention head")
    d_ff: int = Field(default=256, ge=1, description="width of the feed-forward layers")
    num_layers: int = Field(default=2, ge=1, description="blocks of the encoder")
    num_heads: int = Field(default=4, ge=1, description="attention heads")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        """Weights have sizes of their own, which others beside them would only seem to change."""
        given = [name for name in self.SIZES if name in self.model_fields_set]
        if self.weights is not None and given:
            are = "is" if len(given) == 1 else "are"
            raise ValueError(
                f"{', '.join(given)} {are} given beside weights: {self.weights!r}, which have their own sizes; take "
                f"{'it' if len(given) == 1 else 'them'} out, or start from no weights (weights: null)"
            )
        return self

    @property
    def source(self) -> str | None:
        return self.weights

    @property
    def forecaster_type(self) -> type[Forecaster]:
        """What is built of these settings."""
        return self.FORECASTER

    def create(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        dropout_rate: float,
        domains: tuple[str, ...],
        seed: int,
    ) -> Forecaster:
        """Build a forecaster from `weights`, else with random weights that depend on `seed` alone (see `Backbone`).

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the weights are missing, incomplete or of another family.
        ValueError
            If a quantile level is not one of the model's, or the domain cannot be told in this way.
        """
        method: HorizonMethod = "native"
        if self.weights is None:
            model = self._random_model(context_length, prediction_length, dropout_rate, seed)
        else:
            folder = weights_folder(self.weights)
            check_family(folder, self.ARCHITECTURE, self.__class__.model_fields["kind"].default)
            model = self._load_model(folder, context_length, dropout_rate)
            if self.initial == "random":
                model = seeded(lambda: type(model)(model.config).eval(), seed)
            method = self._reach(model, prediction_length)
        return self.forecaster_type(model, prediction_length, quantile_levels, method, domains)

    def load(self, folder: Path, domains: tuple[str, ...]) -> Forecaster:
        """Load a forecaster that `Forecaster.save` wrote.

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the folder is incomplete, of another family, or was trained on other domains.
        """
        folder = weights_folder(str(folder))
        check_family(folder, self.ARCHITECTURE, self.__class__.model_fields["kind"].default)
        try:
            record = json.loads((folder / SIDECAR).read_text())
        except FileNotFoundError:
            raise WeightsError(
                f"{folder} has no {SIDECAR}, so it was not saved here; give it as the backbone's `weights` instead"
            ) from None
        check_record(record, folder, domains, self.sees_together)
        model = self._load_model(folder, record["context_length"], dropout_rate=None)
        return self.forecaster_type(
            model, record["prediction_length"], tuple(record["quantile_levels"]), record["horizon_method"], domains
        )

    def outline(self) -> Outline | None:
        """Return what is known before anything is built; None for weights that are no local folder, or a broken one."""
        if self.weights is None:
            return Outline(self._patch(), self.num_layers, self.LEVELS, None)
        try:
            config = read_config(Path(self.weights).expanduser())
            own = config["chronos_config"]
            head = own.get("prediction_length")
            return Outline(own["input_patch_size"], config["num_layers"], tuple(own["quantiles"]), head)
        except (WeightsError, OSError, LookupError, TypeError):
            return None  # `weights_folder` says what is wrong with them

    def misfits(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before weights are loaded: the argument's name, and why."""
        outline = self.outline()
        if outline is None:
            return
        try:
            positions_of(quantile_levels, outline.levels)
        except ValueError as error:
            yield "quantile_levels", str(error)
        if len(domains) >= 2:
            yield from self._telling_misfits(outline, context_length, prediction_length, len(domains))

    @abstractmethod
    def _patch(self) -> int:
        """Samples of a patch, where there are no weights."""

    @abstractmethod
    def _telling_misfits(
        self, outline: Outline, context_length: int, prediction_length: int, n_domains: int
    ) -> Iterator[tuple[str, str]]:
        """Yield why the domain cannot be told in these lengths."""

    def _reach(self, model: Any, prediction_length: int) -> HorizonMethod:
        """Make a loaded model's head reach the horizon, as `horizon` says."""
        if self._native_length(model) >= prediction_length:
            return "native"
        if self.horizon == "roll_out":
            return "rolled_out"
        self._resize(model, prediction_length)
        return "resized"

    @abstractmethod
    def _random_model(self, context_length: int, prediction_length: int, dropout_rate: float, seed: int) -> Any:
        """A stock model of this record's sizes."""

    @abstractmethod
    def _load_model(self, folder: Path, context_length: int, dropout_rate: float | None) -> Any:
        """The stock model of a folder, for contexts of another length."""

    @staticmethod
    @abstractmethod
    def _native_length(model: Any) -> int:
        """Samples that one pass of a stock model forecasts."""

    @staticmethod
    @abstractmethod
    def _resize(model: Any, prediction_length: int) -> None:
        """Lengthen a stock model's one-pass horizon."""


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
            "the two are told the domain in different ways"
        )


def seeded(build: Callable[[], Any], seed: int) -> Any:
    """Run `build()` with torch's CPU generator seeded, and leave the generator as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()
