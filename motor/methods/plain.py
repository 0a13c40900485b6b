"""Methods without a forecaster: features of recordings as they are, and features that are learned from windows."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from grid.config.document import Incompatibility
from motor.evaluation.axes.base import Concern
from motor.features.base import Feature, FittedFeature, MachineFeature, RecordingFeature
from motor.methods.base import Link, OfFeatures
from motor.methods.checks import length_incompatibilities
from motor.stages.describe import Describe, DescribeFold
from motor.stages.learn import Learn
from motor.stages.own_reference import LEVEL


def _asks_for_machines(features: tuple[Any, ...]) -> bool:
    return any(isinstance(feature, MachineFeature) for feature in features)


class OfRecordings(OfFeatures):
    """Features are computed from recordings alone, as they were measured."""

    TAKES: ClassVar[type[Feature]] = RecordingFeature

    @property
    def has(self) -> frozenset[Concern]:
        return frozenset({"recordings"})

    def chained(self, at: Link, fold: str, features: tuple[Any, ...]) -> DescribeFold:
        settings = at.settings
        own = settings.own_reference
        if own.level != "none" and LEVEL not in self.features:
            features += at.features((LEVEL,))
        return DescribeFold(
            described=Describe.of(
                recordings=at.recordings,
                features=features,
                speed=settings.speed,
                machines=settings.dataset.machines if _asks_for_machines(features) else None,
            ),
            prepared=at.prepare(),
            fold=fold,
            domains=at.domains,
            classes=tuple(settings.dataset.classes),
            seed=settings.seed,
            own=own if own.compares or own.level != "none" else None,
        )

    def describe(self) -> str:
        return f"no forecaster; {self.seen}"

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        yield from super().incompatibilities(settings, domains, contexts)
        for name in self.features:
            is_of_machine = isinstance(getattr(settings.features, name, None), MachineFeature)
            if is_of_machine and not settings.dataset.machines:
                why = (
                    f"feature {name} of method {self.kind} looks for the lines of a machine's parts, but no machine is "
                    'given; add, say, machines: {"*": {bearing: {n_balls: 9, ball_mm: 7.94, pitch_mm: 39.04}}} to '
                    f"dataset, or take {self.kind} out of axes.method"
                )
                yield (("dataset", "machines"), ("axes", "method")), why


class OfWindows(OfFeatures):
    """Features are learned from the windows of training series."""

    TAKES: ClassVar[type[Feature]] = FittedFeature

    @property
    def has(self) -> frozenset[Concern]:
        return frozenset({"windows"})

    def chained(self, at: Link, fold: str, features: tuple[Any, ...]) -> Learn:
        settings = at.settings
        return Learn(
            prepared=at.prepare(),
            fold=fold,
            domains=at.domains,
            features=features,
            context_length=at.axes["context_length"],
            windows_per_series=settings.windows.per_series_features,
            classes=tuple(settings.dataset.classes),
            seed=settings.seed,
            regime=at.regime,
            cleared=at.cleared,
        )

    def describe(self) -> str:
        return f"no forecaster; {self.seen}"

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        for place, context_length in contexts:
            yield from length_incompatibilities(settings, context_length, ("axes", "context_length", place), horizon=0)
        yield from super().incompatibilities(settings, domains, contexts)
