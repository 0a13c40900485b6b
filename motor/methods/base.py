"""The base of all methods: how a method builds its chain of stages, and what the report calls it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol

from grid.config.document import Incompatibility
from grid.stage import Stage
from motor.backbones.base import Backbone
from motor.backbones.training import Training
from motor.evaluation.axes.base import Concern, axes
from motor.features.base import Feature
from motor.methods.checks import feature_incompatibilities
from motor.registry import Plugin, plugins
from motor.stages.described import Described
from motor.stages.finetune import Finetune
from motor.stages.prepare import Prepare
from motor.stages.recordings import ImportRecordings


class Link(Protocol):
    """A place of the grid, from which a method builds its chain: the config as it holds there, and the shared stages.

    Attributes
    ----------
    settings : Settings
        Those of `motor.experiment.settings`, for this method, regime and values of the other axes.
    axes : mapping
        Axis -> value of the cell.
    regime : str
        The value of the axis `domain`.
    domains : tuple of str
        That it stands for: one, or all of them in the joint regime.
    method : Method
        With the settings that the config gives it.
    recordings : ImportRecordings
        The data set, as it was measured.
    cleared : tuple of Stage
        Checks that a stage of much work waits for, by a field that is declared with `grid.stage.after`.
    """

    settings: Any
    axes: Mapping[str, Any]
    regime: str
    domains: tuple[str, ...]
    method: Any

    @property
    def recordings(self) -> ImportRecordings: ...

    @property
    def cleared(self) -> tuple[Stage, ...]: ...

    def of(self, method: str) -> "Link":
        """Return the same place for another method of the house, say the one whose fine-tune is gone on from."""

    def prepare(self) -> Prepare:
        """Return the stage that splits, represents and scales."""

    def finetune(
        self,
        fold: str,
        labels: str,
        *,
        backbone: Backbone | None = None,
        training: Training | None = None,
        start: Finetune | None = None,
        labels_file: str | None = None,
        n_deliveries: int | None = None,
        replay: float | None = None,
    ) -> Finetune:
        """Return a fine-tune on some series of a fold.

        Parameters
        ----------
        fold : str
        labels : str
            ``none``, ``normal``, ``all``, or ``only <class>``.
        backbone, training : optional
            In the place of the config's.
        start : Finetune, optional
            Whose weights it goes on from.
        labels_file : str, optional
            Labels beside the data, in the place of the config's.
        n_deliveries : int, optional
            Of so many deliveries of recordings, the oldest, instead of all.
        replay : float, optional
            Makes it an increment: it is trained on what `start` did not see with its label, and on so many series of
            those that it did for each of them.
        """

    def file(self, path: str) -> tuple[str, str]:
        """Return the absolute path of a file that a setting names, and the digest of its content."""

    def features(self, names: Sequence[str]) -> tuple[Any, ...]:
        """Return feature plug-ins with the settings that the config gives them."""


class Method(Plugin, ABC):
    """A recipe: it builds the stages that describe series, and any before them.

    A field is a setting: a config gives it in ``methods: {NAME: {FIELD: VALUE}}``, and it counts for a result through
    the stages that are built by it.

    Attributes
    ----------
    folder : str
        Its name in the results.
    control : str, optional
        The method that is this one without training.
    start : str, optional
        The method whose fine-tune this one goes on from.
    """

    ROOM: ClassVar[str] = "motor.methods"

    kind: str
    folder: str
    control: str | None = None
    start: str | None = None

    @abstractmethod
    def described(self, at: Link, fold: str) -> Described:
        """Return the stage that describes the series of a fold, chained to all that it is made from."""

    @abstractmethod
    def describe(self) -> str:
        """Return the recipe in a few words."""

    @property
    def has(self) -> frozenset[Concern]:
        """What axes may be about: ``recordings``, ``windows``, ``forecasts``, ``networks``, their ``training``."""
        return frozenset({"windows", "forecasts", "networks", "training"})

    @property
    def idle_axes(self) -> tuple[str, ...]:
        """The axes that mean nothing for it."""
        return tuple(name for name, axis in axes().items() if axis.concerns not in {"everything", *self.has})

    @property
    def family(self) -> Literal["forecaster", "plain"]:
        """``forecaster``, or ``plain`` for whatever needs no network that forecasts."""
        return "plain"

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        """Yield what of a config cannot work for it, as far as it is known without data and weights.

        Parameters
        ----------
        settings : Settings
            As they hold for the method and a regime.
        domains : tuple of str
            Of the regime; with two or more a forecaster knows which.
        contexts : sequence of (int, int)
            The context lengths that it is compared at, each with its place on the axis.
        """
        yield from ()


class OfFeatures(Method):
    """A method that is decided by the features that the classifier sees: plug-ins of one kind.

    A feature that builds a stage of its own (`Feature.described`) stands alone, in any of these methods.

    Attributes
    ----------
    features : tuple of str
        What the classifier sees.
    """

    TAKES: ClassVar[type[Feature]]
    """The stages that its features are computed from."""

    features: tuple[str, ...]

    def described(self, at: Link, fold: str) -> Described:
        chosen = at.features(self.features)
        own = chosen[0].described(at, fold)
        return self.chained(at, fold, chosen) if own is None else own

    @abstractmethod
    def chained(self, at: Link, fold: str, features: tuple[Any, ...]) -> Described:
        """Return the stage that describes the series of a fold by features of the kind that it takes."""

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        there = plugins("motor.features")
        for name in self.features:
            place = (("methods", self.kind, "features"),)
            if name not in there:
                yield place, f"unknown feature {name!r}; there are: {', '.join(there)}"
            elif not issubclass(there[name], self.TAKES) and not _stands_alone(there[name], self.features):
                yield place, f"{self.kind} takes features of one kind, such as {self._such_as()}; {name} is of another"
            else:
                yield from feature_incompatibilities(settings, name)

    def _such_as(self) -> str:
        kinds = (name for name, plugin in plugins("motor.features").items() if issubclass(plugin, self.TAKES))
        return ", ".join(kinds)

    @property
    def seen(self) -> str:
        """The features, in words."""
        return f"classifies {' and '.join(self.features)}"


def _stands_alone(feature: type[Plugin], features: tuple[str, ...]) -> bool:
    """Tell whether a feature builds a stage of its own, beside which there is no other."""
    return len(features) == 1 and getattr(feature, "described", None) is not Feature.described
