"""Vectors of a table, made by any model anywhere."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from grid.config.document import Incompatibility
from motor.evaluation.axes.base import Concern
from motor.features.base import Feature
from motor.features.given import Given as GivenFeature
from motor.methods.base import Link, Method
from motor.stages.given import GivenVectors


class Given(Method):
    """The classifier sees the vector that ``features.given.path`` has of each series."""

    TAKES: ClassVar[type[Feature]] = GivenFeature

    kind: Literal["given"] = "given"
    folder: str = "given_vectors"
    features: tuple[Literal["given"], ...] = ("given",)

    @property
    def has(self) -> frozenset[Concern]:
        return frozenset()

    def described(self, at: Link, fold: str) -> GivenVectors:
        settings = at.settings
        path, content_digest = at.file(settings.features.given.path)
        return GivenVectors(
            prepared=at.prepare(),
            fold=fold,
            domains=at.domains,
            classes=tuple(settings.dataset.classes),
            seed=settings.seed,
            content_digest=content_digest,
            path=path,
            cleared=at.cleared,
        )

    def describe(self) -> str:
        return "vectors given in a table"

    def incompatibilities(
        self, settings: Any, domains: tuple[str, ...], contexts: Sequence[tuple[int, int]]
    ) -> Iterator[Incompatibility]:
        if settings.features.given.path is None:
            why = "method given reads a table of vectors, and none is named; set features.given.path (docs/given.md)"
            yield (("features", "given", "path"), ("axes", "method")), why


PLUGIN = Given
