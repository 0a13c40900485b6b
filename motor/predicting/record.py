"""What a cell's record says of how its recordings were heard: settings as plug-ins, without any stage."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from motor.features.base import FittedFeature, ForecastFeature, RecordingFeature
from motor.registry import from_record
from motor.windows.scaling import Scaling


@dataclass(frozen=True)
class CellRecord:
    """The canonical record of a cell (``record.json`` of its stage `classify`), read.

    A record holds those of everything the cell is made from, so it tells all that decides a prediction, and no path.

    Attributes
    ----------
    record : mapping
        Of the stage `classify`. Its folds differ in what they were trained on, and in nothing else.
    """

    record: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.record["classes"])

    @property
    def normal(self) -> str:
        return str(self.record["normal"])

    @property
    def domains(self) -> tuple[str, ...]:
        return tuple(self.first.get("domains") or self.first["finetunes"][0]["domains"])

    @property
    def first(self) -> Mapping[str, Any]:
        """The record of the first fold's features."""
        return self.record["features"][0]

    @property
    def prepared(self) -> Mapping[str, Any]:
        """The record of the stage that split, represented and scaled."""
        return prepared_of(self.first)

    @property
    def dataset(self) -> Mapping[str, Any]:
        """The settings of the reader of the recordings that it was trained on."""
        return self.prepared["recordings"]["reader"]

    @property
    def data_digest(self) -> str:
        return str(self.prepared["recordings"]["content_digest"])

    @cached_property
    def features(self) -> tuple[Any, ...]:
        """The feature plug-ins, all of one kind."""
        told = self.first["described"]["features"] if "described" in self.first else self.first["features"]
        return tuple(made("motor.features", one) for one in told)

    @property
    def is_forecast(self) -> bool:
        return isinstance(self.features[0], ForecastFeature)

    @property
    def is_learned(self) -> bool:
        return isinstance(self.features[0], FittedFeature)

    @property
    def is_described(self) -> bool:
        return isinstance(self.features[0], RecordingFeature)

    @cached_property
    def representation(self) -> Any:
        return made("motor.windows.representations", self.prepared["representation"])

    @cached_property
    def scaling(self) -> dict[str, Scaling]:
        """By domain."""
        return {domain: read(Scaling, one) for domain, one in self.prepared["scaling"].items()}

    @property
    def speed(self) -> Mapping[str, Any]:
        """Where the shaft's speed comes from (`source`), and which an estimate may find (`range_rpm`)."""
        return self.prepared["speed"]

    @property
    def finetunes(self) -> list[Mapping[str, Any]]:
        """The records of the forecasters of a fold: one, or one for each class."""
        return list(self.first["finetunes"])

    @cached_property
    def backbone(self) -> Any:
        return made("motor.backbones", self.finetunes[0]["backbone"])

    @property
    def sees_together(self) -> bool:
        """Whether the forecaster hears the sensors of one moment together."""
        return self.is_forecast and bool(self.backbone.sees_together)

    @property
    def pairs_sensors(self) -> bool:
        """Whether a recording's features depend on its motor's other sensors at that moment."""
        return self.sees_together or any(feature.kind == "residual" for feature in self.features)

    @property
    def context_length(self) -> int:
        return int(self.first["context_length"])

    @property
    def windows_per_series(self) -> int:
        return int(self.first["windows_per_series"])

    @property
    def prediction_length(self) -> int:
        return int(self.finetunes[0]["prediction_length"]) if self.is_forecast else 0

    @property
    def fewest_samples(self) -> int:
        """How many represented samples one window needs; 1 where recordings are described whole."""
        if self.is_described:
            return 1
        needs_future = any(getattr(feature, "needs_future", False) for feature in self.features)
        return self.context_length + (self.prediction_length if needs_future else 0)

    @property
    def needs_speed(self) -> bool:
        """Whether the shaft's speed can matter for a prediction."""
        return self.is_described or self.representation.needs_speed


def prepared_of(features: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record of the preparation that a record of features is made from."""
    return features["finetunes"][0]["prepared"] if "finetunes" in features else features["prepared"]


def fold_of(features: Mapping[str, Any]) -> str:
    """Return the fold of a record of features."""
    return str(features["finetunes"][0]["fold"] if "finetunes" in features else features["fold"])


def made(package: str, settings: Mapping[str, Any]) -> Any:
    """Return a plug-in with the settings that a record holds."""
    return from_record(package, settings)


def read(record_type: Any, settings: Mapping[str, Any]) -> Any:
    """Return a checked record from its canonical form, in which tuples are lists."""
    return record_type.model_validate_json(json.dumps(settings))
