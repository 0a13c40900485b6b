"""Stage `given`: the series of a fold, described by vectors that were made elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from grid.stage import Context, InputError, Stage, after, beside
from motor.features.base import domain_one_hot, side_by_side
from motor.features.vectors import Vectors, read_vectors
from motor.recordings.digest import content_digest
from motor.stages.described import Described
from motor.stages.describer import BuiltStages, Describer
from motor.stages.faults import input_faults
from motor.stages.prepare import Prepare, Prepared

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class GivenVectors(Described):
    """The vectors of a table, for the series of one fold; the digest of the table's content decides the key."""

    KIND: ClassVar[str] = "given"

    prepared: Prepare
    fold: str
    domains: tuple[str, ...]
    classes: tuple[str, ...]
    seed: int
    content_digest: str
    path: str = beside(default="")
    cleared: tuple[Stage, ...] = after(default=())

    def label(self) -> str:
        return f"{'+'.join(self.domains)}-fold{self.fold}"

    def build(self, folder: Path, context: Context) -> None:
        """Write what `Described.build` does.

        Raises
        ------
        InputError
            If the table is another by now, lacks an item, or was made by a model that learned from a test motor.
        """
        prepared = Prepared.open(context.folder(self.prepared), self.prepared)
        meta, vectors = prepared.meta(self.fold, self.domains), self.read()
        of_fold = prepared.sides[prepared.sides["fold"] == self.fold]
        tested = {*meta.loc[meta["side"] == "test", "motor"], *of_fold.loc[of_fold["side"] == "test", "motor"]}
        if met := sorted(tested & set(_of_fold(vectors, "learned_from", self.fold, ()))):
            raise InputError(
                f"{self.path}: its vectors of fold {self.fold!r} come of a model that learned from motor {met[0]!r}, "
                f"which this fold tests ({len(met)} of {len(tested)} such motors); make them with the same split, or "
                "by a model that saw none of them"
            )
        summary = {
            "saw_labels": bool(_of_fold(vectors, "saw_labels", self.fold, False)),
            "given": {name: vectors.about.get(name) for name in ("learned_from", "pretrained_on")},
        }
        self.write(folder, meta, self._described(vectors, meta), summary)

    @property
    def looked_at(self) -> tuple[Stage, ...]:
        return (self.prepared,)

    def described_later(self, context: Context, prepared: Prepared, meta: "pd.DataFrame") -> "pd.DataFrame":
        """Return the vectors that the table has of them (see `Described.described_later`)."""
        return self._described(self.read(), meta)

    def open(self, built: BuiltStages, device: str) -> Describer:
        """Raise InputError: nobody but the table's model can describe a new recording."""
        raise InputError(
            f"this cell sees vectors of a table ({self.path or 'feature given'}), so new recordings cannot be described"
            " here: have them embedded by the table's model, or use a cell of another method"
        )

    def read(self) -> Vectors:
        """Return the table, checked.

        Raises
        ------
        InputError
            If it is at fault, or is not the one that the key was made of.
        """
        path = Path(self.path)
        try:
            found = content_digest([path], path, None)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}; every node has to see this table") from error
        if found != self.content_digest:
            raise InputError(f"{path}: the table has changed since the launch began; start it again")
        with input_faults():
            return read_vectors(path)

    def check(self, vectors: Vectors, items: Iterable[str]) -> None:
        """Raise InputError if the table lacks one of the items."""
        with input_faults():
            vectors.of_fold(self.fold, list(items))

    def _described(self, vectors: Vectors, meta: "pd.DataFrame") -> "pd.DataFrame":
        with input_faults():
            found = vectors.of_fold(self.fold, meta["item"].tolist())
        found.index.name = "item"
        return side_by_side([found, domain_one_hot(meta)])


def _of_fold(vectors: Vectors, name: str, fold: str, default: Any) -> Any:
    """Return what the table says of a fold."""
    by_fold = vectors.about.get(name) or {}
    return by_fold.get(fold, default)
