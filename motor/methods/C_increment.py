"""Method C by increments: each label set goes on from the last one's fine-tune, on what is new and a share of the old.

Without replay a network forgets what it learned first (McCloskey and Cohen 1989, "Catastrophic Interference in
Connectionist Networks"); Rolnick et al. 2019, "Experience Replay for Continual Learning".
"""

from typing import Any, Literal

from pydantic import Field

from motor.methods.base import Link
from motor.methods.fine_tuned import FineTuned, Labels
from motor.stages.finetune import Finetune


class CIncrement(FineTuned):
    """C, in as many fine-tunes as there are label sets; with one it is C.

    Attributes
    ----------
    since : tuple of str
        Label sets of before, the oldest first; a loop fills them in.
    deliveries : tuple of int
        How many deliveries of recordings there were when each was sealed.
    replay : float
        Series of before for each new one.
    steps : float
        Of an increment, as a share of `finetune.num_steps`.
    """

    kind: Literal["C_increment"] = "C_increment"
    folder: str = "methodC_embed_increment"
    labels: Labels = "all"
    features: tuple[str, ...] = ("embedding",)
    control: str | None = "untrained"
    since: tuple[str, ...] = Field(default=(), description="label sets of before, the oldest first; a loop names them")
    deliveries: tuple[int, ...] = Field(default=(), description="of recordings, at each of `since`; a loop names them")
    replay: float = Field(default=2.0, ge=0, description="series of before for each new one in an increment")
    steps: float = Field(default=0.6, gt=0, le=1, description="of an increment, as a share of finetune.num_steps")

    def finetune(self, at: Link, fold: str, labels: str | None = None) -> Finetune:
        """Return the newest fine-tune, which goes on from those of the label sets before."""
        cumulative = self.training_of(at.settings.finetune)
        shorter = cumulative.model_copy(update={"num_steps": max(1, round(self.steps * cumulative.num_steps))})
        given: dict[str, Any] = {"backbone": self.backbone_of(at.settings.backbone)}
        made = None
        counts = self.deliveries or (None,) * len(self.since)
        for labels_file, n_deliveries in zip((*self.since, None), (*counts, None), strict=True):
            training, replay = (cumulative, None) if made is None else (shorter, self.replay)
            made = at.finetune(
                fold,
                self.labels,
                training=training,
                start=made,
                labels_file=labels_file,
                n_deliveries=n_deliveries,
                replay=replay,
                **given,
            )
        assert made is not None
        return made

    def describe(self) -> str:
        return f"fine-tuned on all classes, by increments with replay; {self.seen}"


PLUGIN = CIncrement
