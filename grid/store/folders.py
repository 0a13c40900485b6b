"""Folders of stages on their way into a bucket and out of it: whole, or not there."""

import json
import shutil
from pathlib import Path

from grid.stage import KEY_LENGTH, digest
from grid.store.manifest import MANIFEST, RECORD, DamagedError, damages, read_manifest
from grid.store.s3 import Bucket, at_once

TRIES = 3  # to fetch a folder that another launch replaces meanwhile


class NotThereError(FileNotFoundError):
    """A stage is not in the bucket, or not whole."""


def upload(bucket: Bucket, folder: Path, name: str) -> None:
    """Upload a built stage; it is there once its record is, which comes last.

    One of that name that stood loses its record first, so that nobody takes a mixture of both for a stage. What a
    dead upload left is overwritten, or deleted.

    Parameters
    ----------
    bucket : Bucket
    folder : Path
        With its manifest and its record.
    name : str
        In the bucket: ``<kind>/<label>-<key>``.
    """
    bucket.delete([f"{name}/{RECORD}"])
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    last = [files.pop(MANIFEST), files.pop(RECORD)]
    strays = {each.removeprefix(f"{name}/") for each in bucket.listed(f"{name}/")} - files.keys()
    bucket.delete(f"{name}/{stray}" for stray in sorted(strays))
    at_once(lambda file: bucket.put_file(f"{name}/{file}", files[file]), files)
    for path in last:
        bucket.put_file(f"{name}/{path.name}", path)


def fetch(bucket: Bucket, name: str, draft: Path) -> None:
    """Download a stage into an empty folder, and compare each file with the manifest; the record is written last.

    Raises
    ------
    NotThereError
        If it is not there, or not whole.
    DamagedError
        If a file is not what the manifest says, or the record not what the name says.
    """
    faults: tuple[str, ...] = ()
    for _ in range(TRIES):
        manifest = bucket.read(f"{name}/{MANIFEST}")
        faults = _fetch_files(bucket, name, draft, manifest)
        record = bucket.read(f"{name}/{RECORD}")
        if record is None:
            raise NotThereError(f"{bucket.location}/{name} is not whole: it has no {RECORD}")
        faults += _record_faults(record, name)
        if not faults:
            (draft / RECORD).write_text(record, encoding="utf-8")
            return
        if bucket.read(f"{name}/{MANIFEST}") == manifest:  # else another launch has replaced it
            break
        shutil.rmtree(draft)
        draft.mkdir()
    raise DamagedError(Path(name), faults)


def _record_faults(text: str, name: str) -> tuple[str, ...]:
    try:
        found = digest(json.loads(text))[:KEY_LENGTH]
    except ValueError as error:
        return (f"{RECORD} is not JSON ({error})",)
    return () if found == name[-KEY_LENGTH:] else (f"{RECORD} is another record than its name says: {found}",)


def _fetch_files(bucket: Bucket, name: str, draft: Path, manifest: str | None) -> tuple[str, ...]:
    """Download what a manifest names; return what is wrong with it."""
    if manifest is None:
        return (f"{MANIFEST} is missing",)
    (draft / MANIFEST).write_text(manifest, encoding="utf-8")
    try:
        files = read_manifest(draft) or {}
    except DamagedError as error:
        return error.damages
    if outside := [file for file in files if not (draft / file).resolve().is_relative_to(draft.resolve())]:
        return (f"{MANIFEST} names {outside[0]!r}, which lies elsewhere",)
    at_once(lambda file: bucket.get_file(f"{name}/{file}", draft / file), files)
    there = {each.removeprefix(f"{name}/") for each in bucket.listed(f"{name}/")}
    strays = sorted(there - files.keys() - {MANIFEST, RECORD})
    return (*damages(draft), *(f"{stray} is not in the manifest" for stray in strays))
