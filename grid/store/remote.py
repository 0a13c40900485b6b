"""A store in an S3 bucket: built and read in a folder of this machine, its mirror; what is true is in the bucket."""

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grid.stage import KEY_LENGTH, Resources, Stage
from grid.store.copies import Copies
from grid.store.drafts import draft_name
from grid.store.folders import NotThereError, fetch, upload
from grid.store.following import Following
from grid.store.manifest import MANIFEST, RECORD, DamagedError, damages
from grid.store.place import Folder
from grid.store.publishing import publish
from grid.store.s3 import Bucket, check_conditions
from grid.store.store import DRAFTS, LEASES, UNFINISHED, Store

CACHE = "MOTOR_GRID_CACHE"  # the environment's: where mirrors lie
FRESH_S = 5.0  # so long what was seen in the bucket is taken to be there still
ABANDONED_S = 2 * 24 * 3600.0  # after so long an upload in pieces is taken for dead
AGAIN = "it was set aside, and is built again by the same command"


@dataclass(frozen=True)
class RemoteStore(Store):
    """A bucket, and under `root` a mirror of what this machine has built or needed.

    A stage is there when its record is in the bucket; it is uploaded last. The mirror may be deleted whenever
    nothing runs. The store pickles as its location: each machine has its own mirror.
    """

    bucket: Bucket

    @classmethod
    def at(cls, location: str) -> "RemoteStore":
        """Return the store at ``s3://bucket/prefix``."""
        bucket = Bucket.at(location)
        cache = Path(os.environ.get(CACHE) or Path.home() / ".cache" / "motor-grid").absolute()
        name = hashlib.sha256(f"{bucket.endpoint} {bucket.location}".encode()).hexdigest()[:KEY_LENGTH]
        return cls(cache / f"{bucket.name}-{name}", bucket)

    def __reduce__(self) -> tuple:
        return RemoteStore.at, (self.where,)

    @property
    def stored(self) -> Bucket:
        return self.bucket

    @property
    def mirror(self) -> Folder:
        return Folder(self.root)

    def peek(self, stage: Stage) -> Path:
        """Return where the stage lies in the mirror, if it does; nothing is fetched, and the bucket is not asked."""
        return super().folder(stage)

    def folder(self, stage: Stage) -> Path:
        """Return where the stage lies in the mirror, into which it is fetched if it is not there as it is stored."""
        local = super().folder(stage)
        if stage.key in self._building:
            return local
        name = self._named(stage)
        if name is None:
            return local
        final = self.root / stage.KIND / name
        if local != final:
            self._throw_away(local)
        self._bring_up_to_date(final)
        return final

    def verified(self, stage: Stage) -> Path:
        """Return where the stage lies in the mirror, once its files were compared with its manifest.

        A damaged copy is fetched again; if what is stored is damaged it is set aside there, and DamagedError raised.
        """
        folder = self.folder(stage)
        if self._seen.get(f"whole {folder}") is None and (folder / RECORD).exists():
            if damages(folder):
                self._throw_away(folder)
                folder = self.folder(stage)
            self._seen[f"whole {folder}"] = (time.monotonic(), True)
        return folder

    def holds(self, stage: Stage) -> bool:
        seen_at, _ = self._seen.get(f"held {stage.key}", (-FRESH_S, None))
        return time.monotonic() - seen_at < FRESH_S or super().holds(stage)

    def set_aside(self, folder: Path, found: Iterable[str]) -> None:
        """Throw the mirror's copy away; if what is stored is damaged, take it away from where it would be used."""
        self._throw_away(folder)
        try:
            is_there = self._fetch(f"{folder.parent.name}/{folder.name}", folder)
        except DamagedError:
            return  # it was set aside
        if not is_there:
            self._set_stored_aside(folder, found)

    def _set_stored_aside(self, folder: Path, found: Iterable[str]) -> None:
        super().set_aside(folder, found)
        self._forget(folder.parent.name)

    def work(self, stage: Stage) -> Path:
        """Return the work folder, with what a lost machine left of it; while the stage is built, copies follow."""
        if stage.key not in self._followed:
            self._copies.bring(self._work(stage))
        folder = super().work(stage)
        if stage.key in self._building and stage.key not in self._followed:
            self._followed[stage.key] = Following(self._copies, folder)
        return folder

    def forget_work(self, stage: Stage) -> None:
        if stage.key in self._followed:
            self._followed.pop(stage.key).stop()
        super().forget_work(stage)

    def _drop_work(self, name: str) -> None:
        super()._drop_work(name)
        self._copies.drop(self.root / UNFINISHED / name)

    @contextmanager
    def draft(self, stage: Stage, provenance: dict[str, Any]) -> Iterator[Path]:
        """Give an empty folder to build in; upload it, and keep it in the mirror, when the block ends well."""
        self._building.add(stage.key)
        try:
            with super().draft(stage, provenance) as folder:
                yield folder
        finally:
            if stage.key in self._followed:  # it failed: what it has reached is kept
                self._followed.pop(stage.key).finish()
            self._building.discard(stage.key)

    def sweep(self) -> None:
        """Remove what the dead left, here and in the bucket; first make sure that the server can hold leases."""
        check_conditions(self.bucket.within(LEASES))
        super().sweep()
        self.bucket.abort_uploads(ABANDONED_S)

    def share(self, path: Path) -> None:
        """Let other machines see a file or a folder under `root` as it is now; also that it is gone."""
        self._copies.send(path)

    def receive(self, path: Path) -> None:
        """Bring what other machines have shared: a file, a folder, or files by a pattern of their names."""
        self._copies.bring(path)

    def publish(self, folder: Path) -> None:
        """Upload a folder of results, the file that was written last as the last one."""
        publish(self.bucket, self.root, folder)

    @cached_property
    def _copies(self) -> Copies:
        return Copies(self.root, self.bucket)

    @cached_property
    def _building(self) -> set[str]:
        """Keys of the stages that this process builds."""
        return set()

    @cached_property
    def _followed(self) -> dict[str, Following]:
        return {}

    @cached_property
    def _seen(self) -> dict[str, tuple[float, Any]]:
        """The last listing of the bucket, and when it was taken."""
        return {}

    def _named(self, stage: Stage) -> str | None:
        """Return the name that the stage's folder has in the bucket, under whatever label; None if there is none."""
        listed_at, listed = self._seen.get(f"list {stage.KIND}", (-FRESH_S, {}))
        if stage.key not in listed or time.monotonic() - listed_at > FRESH_S:
            listed = self._list(stage.KIND)
        return listed.get(stage.key)

    def _list(self, kind: str) -> dict[str, str]:
        listed = super()._list(kind)
        self._seen[f"list {kind}"] = (time.monotonic(), listed)
        return listed

    def _holds(self, stage: Stage, name: str) -> bool:
        is_held = super()._holds(stage, name)
        if is_held:
            self._seen[f"held {stage.key}"] = (time.monotonic(), True)
        return is_held

    def _bring_up_to_date(self, final: Path) -> None:
        """Fetch a stage's folder unless the mirror has it as it is stored."""
        name = f"{final.parent.name}/{final.name}"
        seen_at, _ = self._seen.get(f"current {name}", (-FRESH_S, None))
        is_here = (final / RECORD).exists()
        if is_here and time.monotonic() - seen_at < FRESH_S:
            return
        if not is_here or self.bucket.read(f"{name}/{MANIFEST}") != self.mirror.read(f"{name}/{MANIFEST}"):
            self._fetch(name, final)
        self._seen[f"current {name}"] = (time.monotonic(), True)

    def _fetch(self, name: str, final: Path) -> bool:
        """Fetch a stage's folder, and tell whether it is there, whole; what is damaged is set aside.

        Of several processes that do so at once, each has a draft of its own.
        """
        stage = f"{final.parent.name}-{final.name[-KEY_LENGTH:]}"
        draft = self.root / DRAFTS / draft_name(stage)
        draft.mkdir(parents=True)
        try:
            fetch(self.bucket, name, draft)
            _take_or_drop(draft, final)
        except NotThereError:  # half of it: its upload died, or goes on
            return False
        except DamagedError as error:
            self._set_stored_aside(final, error.damages)
            raise DamagedError(Path(f"{self.where}/{name}"), error.damages, AGAIN) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    def _take(self, draft: Path, final: Path) -> None:
        """Upload a draft under the name that its stage has, and put it into the mirror."""
        kind, key = final.parent.name, final.name[-KEY_LENGTH:]
        named = final.parent / self._list(kind).get(key, final.name)
        if named != final:
            self._throw_away(final)
        upload(self.bucket, draft, f"{kind}/{named.name}")
        super()._take(draft, named)
        self._forget(kind)

    def _throw_away(self, folder: Path) -> None:
        """Remove a folder of the mirror, at once for whoever looks."""
        self._seen.pop(f"whole {folder}", None)
        self.mirror.clear(folder.relative_to(self.root).as_posix())

    def _forget(self, kind: str) -> None:
        """Take nothing of a kind for seen: it has changed."""
        for seen in [each for each in self._seen if not each.startswith("list ") or each == f"list {kind}"]:
            self._seen.pop(seen, None)


def shared_folder_fault(store: Store, resources: Iterable[Resources]) -> str | None:
    """Return why stages cannot be built into a store on several workers; None if they can."""
    several = max((each.workers for each in resources), default=1)
    if several == 1 or not isinstance(store, RemoteStore):
        return None
    return (
        f"resources.finetune.workers is {several}, and --storage is {store.where}: workers of one fine-tune need a "
        "folder that they all see, for its draft and its checkpoints; set workers to 1, or give --storage such a folder"
    )


def _take_or_drop(draft: Path, final: Path) -> None:
    """Rename a fetched draft to its final name, in place of an older state; where another has put the same, drop it."""
    final.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            draft.rename(final)
            return
        except OSError:
            if not final.exists():
                raise
        if (final / RECORD).exists() and Folder(final).read(MANIFEST) == Folder(draft).read(MANIFEST):
            return
        aside = draft.with_name(f"{draft.name}-replaced-{uuid.uuid4().hex[:8]}")
        with suppress(FileNotFoundError):  # another process has taken it away just now
            final.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)
