"""Check that each fold has enough training series for what is looked up in them, before anything is trained."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from motor.features.neighbours import lone_class
from motor.registry import Record
from motor.stages.prepare import Prepared
from motor.stages.training_series import is_allowed, known

if TYPE_CHECKING:
    import pandas as pd


class Lookup(Record):
    """Windows that are looked up among those of other training motors.

    Attributes
    ----------
    setting : str
        That says how many neighbours there are.
    domains : tuple of str
    labels : str
        As of a fine-tune.
    top_k : int
        Neighbours of each window; 0: as many as there are, but in each class.
    n_samples, stride : int
        Of a remembered window with what follows it, and samples from one to the next.
    """

    setting: str
    domains: tuple[str, ...]
    labels: str
    top_k: int
    n_samples: int = 1
    stride: int = 1

    def faults(self, prepared: Prepared) -> Iterator[str]:
        """Yield why a fold has too few training series, the first fault of each fold."""
        for fold in prepared.stage.split.fold_names() if prepared.stage.holds_out else ():
            meta = known(prepared, fold, self.domains, self.labels)
            training = meta[is_allowed(meta, self.labels, prepared.stage.normal) & (meta["side"] == "train")]
            found = self._too_few(training) if self.top_k else lone_class(training)
            if found is not None:
                yield f"fold {fold}: {found}"

    def _too_few(self, training: "pd.DataFrame") -> str | None:
        n_windows = ((training["n_samples"] - self.n_samples) // self.stride + 1).clip(lower=0)
        of_motors = n_windows.groupby(training["motor"]).sum()
        of_motors = of_motors[of_motors > 0]
        where = f"the memory of {' and '.join(self.domains)} (series: {self.labels})"
        if len(of_motors) < 2:
            has = f"holds windows of {len(of_motors)} training motor{'' if len(of_motors) == 1 else 's'}"
            return (
                f"{where} {has} of {self.n_samples} samples, and a window's own motor is left out, so nothing could be "
                "looked up; give more training motors or longer series, or do without what looks windows up"
            )
        least = int(of_motors.sum() - of_motors.max())
        if least < self.top_k:
            return (
                f"{self.setting} is {self.top_k}, but {where} holds {least} windows of other motors than "
                f"{of_motors.idxmax()!r}; set {self.setting} to at most {least}, or a smaller stride"
            )
        return None
