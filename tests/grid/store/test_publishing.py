"""Results as objects of a bucket."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from grid.store.remote import RemoteStore
from grid.store.s3 import Bucket
from grid.store.store import Store


def build(store: Store, stage: Any, **files: str) -> None:
    with store.draft(stage, {"by": "test"}) as folder:
        for name, text in (files or {"value": "1"}).items():
            (folder / f"{name}.json").write_text(text)


def results(store: RemoteStore, stage: Any) -> Path:
    """A folder of results with a link to a file and to a folder of a stage."""
    folder = store.root / "results" / "toy"
    (folder / "A").mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text("<html>")
    built = store.folder(stage)
    for name, target in (("value.json", built / "value.json"), ("predictor", built)):
        (folder / "A" / name).unlink(missing_ok=True)
        (folder / "A" / name).symlink_to(os.path.relpath(target, folder / "A"))
    return folder


def test_remote_results_are_objects_and_links_to_folders_say_where(remote, toy, location):
    build(remote, toy.Number(1))
    remote.publish(results(remote, toy.Number(1)))
    place = f"number/{remote.bucket.names('number')[0]}"
    assert remote.bucket.read("results/toy/A/value.json") == "1"
    assert remote.bucket.read("results/toy/A/predictor.link") == f"{location}/{place}\n"
    links = {"A/predictor": place, "A/value.json": f"{place}/value.json"}
    assert json.loads(remote.bucket.read("results/toy/links.json")) == links
    head = remote.bucket._client.head_object(Bucket=remote.bucket.name, Key="motors/results/toy/report.html")
    assert head["ContentType"] == "text/html"


def test_remote_results_stand_once_they_are_published(remote, toy):
    build(remote, toy.Number(1))
    folder = results(remote, toy.Number(1))
    assert not remote.stands(folder / "report.html")
    remote.publish(folder)
    assert remote.stands(folder / "report.html")


def test_remote_results_that_did_not_change_are_not_uploaded_again(remote, toy, monkeypatch):
    build(remote, toy.Number(1))
    remote.publish(results(remote, toy.Number(1)))
    monkeypatch.setattr(Bucket, "put_file", None)
    remote.publish(results(remote, toy.Number(1)))


def test_remote_results_lose_what_the_folder_lost_and_end_with_what_was_written_last(remote, toy, monkeypatch):
    build(remote, toy.Number(1))
    folder = results(remote, toy.Number(1))
    (folder / "made-from.json").write_text("1")
    remote.publish(folder)
    (folder / "A" / "value.json").unlink()
    (folder / "report.html").write_text("<html>2")
    (folder / "made-from.json").write_text("2")
    put, names = Bucket.put_file, []
    monkeypatch.setattr(Bucket, "put_file", lambda self, name, *rest: (names.append(name), put(self, name, *rest))[1])
    remote.publish(folder)
    assert names == ["results/toy/report.html", "results/toy/made-from.json"]
    assert remote.bucket.read("results/toy/made-from.json") == "2"
    assert remote.bucket.read("results/toy/A/value.json") is None


def test_remote_results_whose_upload_is_killed_lack_what_was_written_last(remote, toy, monkeypatch):
    build(remote, toy.Number(1))
    folder = results(remote, toy.Number(1))
    (folder / "made-from.json").write_text("1")
    remote.publish(folder)
    (folder / "report.html").write_text("<html>2")
    (folder / "made-from.json").write_text("1")
    monkeypatch.setattr(Bucket, "put_file", None)
    with pytest.raises(TypeError):
        remote.publish(folder)
    assert not remote.stands(folder / "made-from.json")


def test_remote_results_with_a_link_to_another_stage_of_the_same_content_say_so(remote, toy):
    for number in (1, 2):
        build(remote, toy.Number(number), value="1")
        remote.publish(results(remote, toy.Number(number)))
    links = json.loads(remote.bucket.read("results/toy/links.json"))
    assert toy.Number(2).key in links["A/value.json"]
