"""The contents of a storage: stages by kind and key, and everything else, each with its size."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from grid.stage import KEY_LENGTH
from grid.store.store import DAMAGED, DRAFTS, LEASES, LOGS, TRASH, UNFINISHED

RESULTS, RUNS, TUNE = "results", "runs", "tune"
APART = frozenset({DAMAGED, DRAFTS, LEASES, LOGS, TRASH, UNFINISHED, RESULTS, RUNS, TUNE})  # hold no stages
KEYED = re.compile(rf"(?P<before>.*)-(?P<key>[0-9a-f]{{{KEY_LENGTH}}})")


@dataclass
class Stored:
    """A stage's folder in a storage."""

    kind: str
    name: str
    files: dict[str, int] = field(default_factory=dict)  # relative to the folder, with their sizes

    @property
    def key(self) -> str:
        return self.name[-KEY_LENGTH:]

    @property
    def folder(self) -> str:
        """Relative to the storage."""
        return f"{self.kind}/{self.name}"

    @property
    def lease(self) -> str:
        """The name of its lease."""
        return f"{self.kind}-{self.key}"


def stored_stages(files: Iterable[tuple[str, int]]) -> list[Stored]:
    """Return the stages among the files of a storage, damaged ones and those that lack their record too."""
    found: dict[tuple[str, str], Stored] = {}
    for path, size in files:
        kind, _, rest = path.partition("/")
        name, slash, file = rest.partition("/")
        if kind not in APART and KEYED.fullmatch(name):
            stage = found.setdefault((kind, name), Stored(kind, name))
            stage.files |= {file: size} if slash else {}
    return [found[place] for place in sorted(found)]


def keyed(name: str) -> str | None:
    """Return the key in the name of a work folder, a log or a draft: ``<kind>-<key>``, and what may follow it."""
    match = KEYED.fullmatch(name.partition("+")[0].partition(".")[0])
    return match and match["key"]
