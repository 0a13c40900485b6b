"""Label Studio itself, in an environment of its own: it shows what was exported, and gives it back unchanged.

`RUN_LABEL_STUDIO=1` installs it (1 GB, minutes); `LABEL_STUDIO=FOLDER` takes the environment that stands there, and
`LABEL_STUDIO=http://...` a server that runs, with `LABEL_STUDIO_TOKEN`.
"""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from motor.looping import exchange
from motor.looping.loop import Facts, begin_loop
from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.database.decisions import Decision, decide
from motor.review.database.items import Item, add_items
from motor.review.database.queues import LABELS, Question, ask

VERSION, TOKEN, CLASSES = "1.23.2", "0" * 39 + "1", ("normal", "spark", "vibrate")
SUGGESTED = {"probabilities": {"normal": 0.1, "spark": 0.7, "vibrate": 0.2}}
ITEMS, LABELLED, FIRST_START_S = 30, 20, 900
ENVIRONMENT = {
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory):
    """Start the server, and return a client with rights."""
    if not (os.environ.get("RUN_LABEL_STUDIO") or os.environ.get("LABEL_STUDIO")):
        pytest.skip("Label Studio is 1 GB: RUN_LABEL_STUDIO=1 installs it, LABEL_STUDIO=FOLDER takes one that stands")
    if (place := os.environ.get("LABEL_STUDIO", "")).startswith("http"):
        with client_of(place, os.environ["LABEL_STUDIO_TOKEN"]) as client:
            yield client
        return
    folder = Path(place or tmp_path_factory.mktemp("label-studio"))
    if not (folder / "bin/label-studio").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", f"label-studio=={VERSION}"], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = {"LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path_factory.mktemp("data")), "PATH": os.environ["PATH"]}
    words = ["start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    whose = ["--username", "a@b.example", "--password", "long-enough-1", "--user-token", TOKEN]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = ENVIRONMENT | where | {"HOME": where["LABEL_STUDIO_BASE_DATA_DIR"]}
    command = [folder / "bin/label-studio", *words, *whose]
    with (
        subprocess.Popen(command, env=environment, **quiet) as server,
        client_of(f"http://127.0.0.1:{port}", TOKEN) as client,
    ):
        wait_for(client)
        yield client
        server.terminate()


def client_of(address, token):
    return httpx.Client(base_url=address, headers={"Authorization": f"Token {token}"}, timeout=120)


def wait_for(client):
    before = time.monotonic()
    while True:
        try:
            if client.get("/api/projects").status_code == 200:
                return
        except httpx.HTTPError:
            assert time.monotonic() - before < FIRST_START_S
        time.sleep(1)


@pytest.fixture
def loops(tmp_path):
    """Return two loops over the same recordings: of the first some are decided on, of the second none."""
    made = []
    for name in ("told", "empty"):
        signal = np.zeros(64, dtype=np.float32)
        rows = (Recording(f"录音 {n}", f"m{n}", "sound", "normal", 64.0, signal) for n in range(ITEMS))
        write_recordings(rows, tmp_path / name / "table")
        begun = begin_loop(tmp_path / name, "plant", "{}", Facts({}, CLASSES, "normal", ("table",)))
        items = [Item(f"录音 {n}", f"m{n}", "sound", "train", "table") for n in range(ITEMS)]
        add_items(begun.database, items, "tests")
        ask(begun.database, LABELS, 1, [Question(one.name, "margin", None, SUGGESTED) for one in items], "tests")
        made.append(begun)
    for n in range(LABELLED):
        decide(made[0].database, Decision(f"r{n}", f"录音 {n}", 0, "label", "ann", CLASSES[n % 3]), CLASSES)
    yield made
    for one in made:
        one.database.close()


def digest(loop, folder):
    exchange.export(loop, folder / "labels.csv")
    return hashlib.sha256((folder / "labels.csv").read_bytes()).hexdigest()


def posted(client, path, body):
    answer = client.post(path, json=body)
    assert answer.status_code < 300, answer.text[:500]
    return answer.json()


def test_label_studio_shows_what_was_exported_and_gives_it_back_unchanged(label_studio, loops, tmp_path):
    told, empty = loops
    exchange.export(told, tmp_path / "tasks.json")
    project = posted(
        label_studio, "/api/projects", {"title": "plant", "label_config": exchange.labelling_config(told.facts.classes)}
    )["id"]
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    posted(label_studio, f"/api/projects/{project}/import", tasks)
    shown = label_studio.get("/api/tasks", params={"project": project, "page_size": 100, "fields": "all"}).json()[
        "tasks"
    ]
    assert {one["data"]["item"] for one in shown} == {f"录音 {n}" for n in range(ITEMS)}
    assert sum(one["total_annotations"] for one in shown) == LABELLED
    assert sum(one["total_predictions"] for one in shown) == ITEMS
    (tmp_path / "back.json").write_bytes(
        label_studio.get(f"/api/projects/{project}/export", params={"exportType": "JSON"}).content
    )
    assert exchange.take(empty, tmp_path / "back.json", "tool") == (LABELLED, 0)
    assert digest(empty, tmp_path) == digest(told, tmp_path)
    changed = next(one["id"] for one in shown if one["data"]["item"] == f"录音 {LABELLED}")
    choice = {"from_name": "label", "to_name": "signal", "type": "choices", "value": {"choices": ["vibrate"]}}
    posted(label_studio, f"/api/tasks/{changed}/annotations/", {"result": [choice]})
    (tmp_path / "back.json").write_bytes(
        label_studio.get(f"/api/projects/{project}/export", params={"exportType": "JSON"}).content
    )
    assert exchange.take(told, tmp_path / "back.json", "tool") == (1, LABELLED)
