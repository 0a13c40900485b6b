"""What the Chronos families share: settings of a stock model, and how it is built, lengthened and loaded."""

import json
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from motor.backbones.base import Backbone, Outline, check_record, seeded
from motor.backbones.chronos.forecaster import ChronosForecaster, HorizonMethod
from motor.backbones.forecast import positions_of
from motor.backbones.forecaster import SIDECAR
from motor.backbones.weights import WeightsError, check_no_sizes, read_config, weights_folder

WIDEST, MOST_BLOCKS = 65_536, 1_024  # several times those of the largest T5


class ChronosBackbone(Backbone):
    """A Chronos model: weights in the stock format, or the sizes of a small one with random weights."""

    GIVES: ClassVar[tuple[str, ...]] = ("embedding",)
    SHOWS_TOKENS: ClassVar[bool] = True
    PACKAGES: ClassVar[tuple[str, ...]] = ("chronos-forecasting", "transformers")
    FORECASTER: ClassVar[type[ChronosForecaster]]
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
    d_model: int = Field(
        default=64, ge=1, le=WIDEST, description="width; this and the sizes below are used only without weights"
    )
    d_kv: int = Field(default=16, ge=2, le=WIDEST, multiple_of=2, description="width of an attention head")
    d_ff: int = Field(default=256, ge=1, le=WIDEST, description="width of the feed-forward layers")
    num_layers: int = Field(default=2, ge=1, le=MOST_BLOCKS, description="blocks of the encoder")
    num_heads: int = Field(default=4, ge=1, le=MOST_BLOCKS, description="attention heads")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        """Weights have sizes of their own, which others beside them would only seem to change."""
        check_no_sizes(self.weights, [name for name in self.SIZES if name in self.model_fields_set])
        return self

    @property
    def source(self) -> str | None:
        return self.weights

    @property
    def forecaster_type(self) -> type[ChronosForecaster]:
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
    ) -> ChronosForecaster:
        """Build a forecaster from `weights`, else with random weights that depend on `seed` alone (see `Backbone`).

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the weights are missing, incomplete or of another family.
        ValueError
            If a quantile level is not one of the model's, or the domain cannot be marked in this way.
        """
        method: HorizonMethod = "native"
        if self.weights is None:
            model = self._random_model(context_length, prediction_length, dropout_rate, seed)
        else:
            folder = weights_folder(self.weights)
            _check_family(folder, self.ARCHITECTURE, self.kind)
            model = self._load_model(folder, context_length, dropout_rate)
            if self.initial == "random":
                model = seeded(lambda: type(model)(model.config).eval(), seed)
            method = self._reach(model, prediction_length)
        return self.forecaster_type(model, prediction_length, quantile_levels, method, domains)

    def load(self, folder: Path, domains: tuple[str, ...]) -> ChronosForecaster:
        """Load a forecaster that `Forecaster.save` wrote.

        Raises
        ------
        motor.backbones.weights.WeightsError
            If the folder is incomplete, of another family, or was trained on other domains.
        """
        folder = weights_folder(str(folder))
        _check_family(folder, self.ARCHITECTURE, self.kind)
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

    def incompatibilities(
        self,
        context_length: int,
        prediction_length: int,
        quantile_levels: tuple[float, ...],
        domains: tuple[str, ...],
    ) -> Iterator[tuple[str, str]]:
        """Yield what cannot work, as far as it is known before weights are loaded: the argument's name, and why."""
        yield from self._missing_packages()
        outline = self.outline()
        if outline is None:
            return
        try:
            positions_of(quantile_levels, outline.levels)
        except ValueError as error:
            yield "quantile_levels", str(error)
        if len(domains) >= 2:
            yield from self._telling_incompatibilities(outline, context_length, prediction_length, len(domains))

    @abstractmethod
    def _patch(self) -> int:
        """Samples of a patch, where there are no weights."""

    @abstractmethod
    def _telling_incompatibilities(
        self, outline: Outline, context_length: int, prediction_length: int, n_domains: int
    ) -> Iterator[tuple[str, str]]:
        """Yield why the domain cannot be marked in these lengths."""

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


def _check_family(folder: Path, architecture: str, kind: str) -> None:
    """Raise unless the folder's config is of the family that backbone `kind` builds."""
    config = read_config(folder)
    found = (config.get("architectures") or ["none"])[0]
    if found != architecture or "chronos_config" not in config:
        raise WeightsError(
            f"{folder / 'config.json'}: architecture is {found!r}, backbone {kind!r} needs {architecture!r} "
            "with a `chronos_config`; there are: bolt (amazon/chronos-bolt-*) and chronos2 (amazon/chronos-2)"
        )
