"""Settings by their paths as axes (`axes.vary`): which cells read one, and what is wrong with a path."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from grid.config.check import Fault
from motor.evaluation.axes.base import is_varied
from motor.experiment.chain import Chain
from motor.experiment.link import Link
from motor.experiment.settings import SHARED
from motor.stages.finetune import Finetune
from motor.stages.labels import LabelsBeside
from motor.stages.recordings import ImportRecordings

if TYPE_CHECKING:
    from motor.experiment.reading import Experiment
    from motor.experiment.settings import Settings

MODULES = "modules"  # an axis of which only a trained forecaster's stages know something
ANY_DIGEST = ""  # of data and weights: whatever they hold, the same settings are read


def has(settings: "Settings", path: str) -> bool:
    """Tell whether settings have a value at a path: a backbone of another kind may have no such setting."""
    found: Any = settings
    for key in path.split("."):
        fields = found if isinstance(found, dict) else getattr(type(found), "model_fields", {})
        if key not in fields:
            return False
        found = found[key] if isinstance(found, dict) else getattr(found, key)
    return True


def varied_faults(experiment: "Experiment", settings: "Iterable[Settings]") -> Iterator[Fault]:
    """Yield paths that cannot be varied: one that all cells share, or that no cell's settings have."""
    there = list(settings)
    for path in experiment.base.axes.vary:
        place = experiment.document.place(("axes", "vary", path))
        first = path.split(".")[0]
        if first in SHARED or not is_varied(path):
            why = "is shared by all cells" if first in SHARED else "is a whole section"
            yield Fault(place, f"{path} {why} and cannot be varied; give the path of one setting, say backbone.top_k")
        elif not any(has(one, path) for one in there):
            sections = ", ".join(name for name in type(experiment.base).model_fields if name not in SHARED)
            yield Fault(place, f"no cell of this grid has the setting {path!r}; a path begins with one of: {sections}")


class Varying:
    """Tells which cells read a varied setting, by the stages that they would have; data and weights are not looked at.

    Parameters
    ----------
    experiment : Experiment
    """

    def __init__(self, experiment: "Experiment") -> None:
        base = experiment.base
        recordings = ImportRecordings(base.dataset, ANY_DIGEST)
        folds = base.split.fold_names()
        self.given = base.axes.vary | ({MODULES: base.axes.modules} if base.axes.modules else {})
        self.chain = Chain(
            experiment=experiment,
            recordings=recordings,
            folds=folds,
            weights_digest=lambda source: ANY_DIGEST,
            file_digest=lambda path: path,  # two files are two values
            labels_of=lambda path: LabelsBeside(recordings, path),
        )

    def unread(self, place: Mapping[str, Any]) -> list[str]:
        """Return the varied settings that no stage of a cell reads: its stages are the same with any value, or none.

        Parameters
        ----------
        place : mapping
            A value of each axis; None where an axis means nothing.
        """
        return [path for path in self.given if place.get(path) is not None and not self._is_read(place, path)]

    def _is_read(self, place: Mapping[str, Any], path: str) -> bool:
        others = {axis: value for axis, value in place.items() if axis != path}
        if not has(Link(self.chain, others).settings, path) or not self._is_asked(others, path):
            return False
        decided = {self._what_decides({**others, path: value}) for value in self.given[path]}
        if len(decided) > 1 or not self._stands(others):
            return True
        return self._what_decides(others) not in decided  # one value alone may be another than the config's own

    def _stands(self, place: Mapping[str, Any]) -> bool:
        """Tell whether a method can do with the config's own value; what reads a table cannot, where none is named."""
        link = Link(self.chain, place)
        return not any(link.method.incompatibilities(link.settings, link.domains, contexts=()))

    def _is_asked(self, place: Mapping[str, Any], path: str) -> bool:
        """Tell whether a section counts: where nothing is trained by steps, how to train stands in keys alone."""
        if not path.startswith("finetune."):
            return True
        link = Link(self.chain, place)
        stages = link.method.described(link, self.chain.folds[0]).walk()
        return any(isinstance(stage, Finetune) and stage.is_trained for stage in stages)

    def _what_decides(self, place: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys of a cell's stages, and its judge: all of a cell but what it is called."""
        link = Link(self.chain, place)
        judge = getattr(link.settings.classifiers, place["classifier"])
        described = [link.method.described(link, fold).key for fold in self.chain.folds]
        alarms = [link.of_domain(domain).evaluation.false_alarm_rate for domain in link.domains]
        return (*described, judge.model_dump_json(), str(alarms))
