"""``kill -9`` of conductor, Ray or review server in each state of a loop of three iterations: nothing is trained twice.

A conductor is killed at the ends of the steps that bring each state about, within some, and while a stage is built.
Ray is embedded, and so there while stages are built and in no other state: it is killed there, by its raylet, its head
or a worker. The server is killed with a decision on its way. Each loop comes to the stages, numbers, questions and
models of the one that nobody disturbed.
"""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from grid.store.store import Store
from motor.commands.loop import _promote_better
from motor.commands.looping import new_loop, opened
from motor.looping import iterations, label_sets
from motor.looping.inference import labels_of_data
from motor.looping.iterations import STATES
from motor.looping.sure import sure
from motor.review.database.chain import verify
from motor.review.database.schema import ASKED, DECISION, ITEM
from tests.looping.conftest import CONFIG, begin
from tests.review.database.test_kills import Server

pytestmark = pytest.mark.slow  # minutes: four loops, one of them by some thirty launches
HERE, NAME, END_S, N_ITERATIONS = Path(__file__).parent, "plant", 600, 3
EACH = range(1, N_ITERATIONS + 1)
SMALL = CONFIG.replace("first: 18", "first: 14")
# The state in which an iteration is then found, the call after which its conductor is killed, and in which iterations:
# each state in each of them, and within steps in one.
MOMENTS = (
    ("Created", "motor.looping.iterations:open_iteration", 1, EACH),
    ("Annotating", "motor.looping.manager:ask", 1, EACH),
    ("Annotating", "motor.looping.reviewing:decide", 2, [1]),
    ("Annotating", "motor.looping.manager:write_config", 1, [2]),
    ("DataReady", "motor.looping.iterations:note_sealed", 1, EACH),
    ("Training", "building", 1, EACH),
    ("Trained", "motor.commands.looping:_build", 1, EACH),
    ("Trained", "motor.looping.manager:ask", 1, [1]),
    ("Inferring", "motor.looping.manager:infer", 1, EACH),
    ("Inferring", "motor.looping.manager:sure", 1, [2]),
    ("Inferring", "motor.looping.iterations:set_alias", 1, [3]),
    ("Reviewing", "motor.looping.manager:write_text", 2, EACH),
    ("Reviewing", "motor.commands.loop:_promote_better", 1, [3]),
    ("Completed", "motor.looping.iterations:close", 1, EACH),
)
TIMED = ("provenance.json", "manifest.json", "audit.json")  # hold times, or digests of files that hold times


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return what the loop comes to that one launch goes through."""
    storage = begun(tmp_path_factory.mktemp("undisturbed"))
    status, said = launched(storage, iterations_=N_ITERATIONS)
    assert status == 0, said
    return outcome(storage)


def begun(folder):
    """Begin the loop in a storage of its own."""
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    new_loop(folder / "small.yaml", (), Store(folder / "storage"), NAME).database.close()
    return folder / "storage"


def launched(storage, *strike, iterations_=1):
    """Go on with the loop in a process of its own, which is struck; return its status, and what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    words = [*map(str, strike or ("motor.looping.iterations:close", 0, "conductor"))]  # never
    line = ["loop", "run", NAME, "--iterations", str(iterations_), "--storage", str(storage)]
    ended = subprocess.run(
        [sys.executable, HERE / "struck.py", *words, *line],
        env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=END_S, text=True, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout


def outcome(storage):
    """Return what a loop came to: nothing of who decided, when, and how often somebody tried."""
    found = opened(Store(storage), NAME)
    loop, manager = found.loop, found.manager
    columns = (ASKED.c.iteration, ASKED.c.queue, ITEM.c.name, ASKED.c.reason, ASKED.c.chance, ASKED.c.suggestion)
    joined = select(*columns, ASKED.c.is_blind).join(ITEM, ITEM.c.id == ASKED.c.item_id)
    with loop.database.reading() as connection:
        asked = [tuple(row) for row in connection.execute(joined.order_by(ASKED.c.queue, ASKED.c.position))]
        decided = connection.execute(select(ITEM.c.name).join(DECISION, DECISION.c.item_id == ITEM.c.id)).scalars()
        items = sorted(decided)
    assert len(items) == len(set(items))
    assert verify(loop.database, label_sets.anchors(loop)) == []
    rounds = iterations.iterations(loop.database)
    held = {name: (one["cell"], one["iteration"]) for name, one in iterations.aliases(loop.database).items()}
    texts = sorted((loop.folder / "inferred").iterdir())
    comes_to = {
        "rounds": [(one.number, one.verdict, manager.standing(one).state) for one in rounds],
        "labels": [label_sets.read_set(loop.label_set(one.label_set)) for one in rounds],
        "cells": [manager.tools.plan(loop.config_of(one.number)).cells for one in rounds],
        "aliases": held,
        "asked": asked,
        "decided": items,
        "said": {path.name: path.read_text(encoding="utf-8") for path in texts},
        "stages": {name: digests(folder) for name, folder in stages(storage).items()},
    }
    comes_to["cells"] = [{cell.name(): cell.stage.key for cell in cells} for cells in comes_to["cells"]]
    loop.database.close()
    return comes_to


def stages(storage):
    """Return the folders of the stages that stand, by kind and key."""
    records = sorted(storage.glob("*/*/record.json"))
    return {f"{record.parent.parent.name}-{record.parent.name[-16:]}": record.parent for record in records}


def digests(folder):
    """Return the digests of a stage's files, without those that hold times."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "tensorboard"]
    named = {str(path.relative_to(folder)): path for path in files if path.name not in TIMED}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in named.items()}


def check(storage, undisturbed, in_workers=True):
    """Compare with the loop that nobody disturbed; files of stages, too, where as many threads built them."""
    found = outcome(storage)
    if not in_workers:
        found, undisturbed = (one | {"stages": sorted(one["stages"])} for one in (found, undisturbed))
    assert [state for _, _, state in found["rounds"]] == ["Completed"] * N_ITERATIONS
    for name, value in undisturbed.items():
        assert found[name] == value, name


def state(storage):
    """Return the number and the state of the newest iteration."""
    found = opened(Store(storage), NAME)
    newest = iterations.newest(found.loop.database)
    standing = found.manager.standing(newest)
    found.loop.database.close()
    return newest.number, standing.state


class Builds:
    """The stages that stand: none may ever be another's file than it was."""

    def __init__(self, storage):
        self.storage, self.seen = storage, {}

    def look(self):
        status = {name: (folder / "record.json").stat() for name, folder in stages(self.storage).items()}
        found = {name: (one.st_ino, one.st_mtime_ns) for name, one in status.items()}
        assert {name: found.get(name) for name in self.seen} == self.seen
        self.seen = found


def test_conductor_killed_in_each_state_comes_to_the_same(undisturbed, tmp_path):
    storage = begun(tmp_path)
    builds, seen = Builds(storage), []
    for number in EACH:
        for name, point, count in [moment[:3] for moment in MOMENTS if number in moment[3]]:
            status, said = launched(storage, point, count, "conductor")
            assert status == -signal.SIGKILL, f"{number}, {point}: {status}; it said:\n{said}"
            builds.look()
            seen.append((number, name))
            if name != "Training":  # a lease of the dead is not always seen to be one
                assert state(storage) == (number, name), point
    assert {(number, name) for number in EACH for name in STATES} <= set(seen)
    print(f"\n{len(seen)} kills of the conductor; {len(builds.seen)} stages, each built once")
    check(storage, undisturbed)


def test_ray_killed_while_stages_are_built_comes_to_the_same(undisturbed, tmp_path):
    storage = begun(tmp_path)
    builds = Builds(storage)
    for number, victim in enumerate(("raylet", "gcs_server", "worker"), 1):
        status, said = launched(storage, "building", 1, victim)
        assert storage.with_name("struck.txt").read_text(encoding="utf-8") == victim, said
        print(f"\niteration {number}: {victim} killed, exit status {status}; then {state(storage)}")
        builds.look()
        if status != 0:
            assert "the same command goes on from here" in said
            status, said = launched(storage)
        assert status == 0, said
        builds.look()
    check(storage, undisturbed)


def test_server_killed_in_each_state_comes_to_the_same(undisturbed, tmp_path, monkeypatch):
    opening = begin(SMALL.replace("reviewer: truth", "reviewer: people"), Store(tmp_path / "storage"), tmp_path)
    server = Server(opening().loop)
    server.start()
    struck = []

    def strike():
        struck.append(state(tmp_path / "storage"))
        server.kill()
        server.start()

    try:
        for _ in EACH:
            go_round(opening, server, strike, monkeypatch)
    finally:
        server.kill()
    assert {name for _, name in struck} >= set(STATES) - {"Training"}  # which is told by a lease of Ray's workers
    n_stages = len(stages(tmp_path / "storage"))
    print(
        f"\n{len(server.took) - 1} kills of the server, {server.told()}; {len(opening.built)} builds, {n_stages} stages"
    )
    assert len(opening.built) == n_stages - 1  # the recordings were imported when the loop began
    check(tmp_path / "storage", undisturbed, in_workers=False)


def go_round(opening, server, strike, monkeypatch):
    """Go through an iteration in this process, the server struck in each state, and while something is done."""
    iterations.open_iteration(opening().loop.database, "loop")
    strike()
    opening().manager.create_iteration()
    strike()
    decide_by_truth(opening().loop, server)
    opening().manager.prepare_training_data()
    strike()
    manager = opening().manager
    build, said = manager.tools.build, manager.tools.judge
    replace(manager, tools=replace(manager.tools, build=lambda grid: strike() or build(grid))).start_training()
    strike()
    with monkeypatch.context() as beside:
        beside.setattr("motor.looping.manager.sure", lambda *words: strike() or sure(*words))
        replace(manager, tools=replace(manager.tools, judge=lambda key: strike() or said(key))).run_inference()
    strike()
    _promote_better(opening().manager)
    opening().manager.close()
    strike()


def decide_by_truth(loop, server):
    """Decide on all that is asked for, over HTTP; the server dies with the third decision on its way to it."""
    truth, place = labels_of_data(loop), 0
    while rows := httpx.get(f"{server.address}/api/next", params={"queue": "labels", "count": 50}, timeout=60).json():
        for row in rows:
            body = {"request_id": f"truth-{row['item']}", "item": row["item"], "revision": 0, "action": "label"}
            body["label"], place = truth[row["item"]], place + 1
            if place == 3:
                send_to_the_dying(server, json.dumps(body).encode())
            answer = httpx.post(f"{server.address}/api/decisions", json=body, timeout=60)
            assert (answer.status_code, answer.json()["revision"]) == (200, 1), answer.text


def send_to_the_dying(server, content):
    """Send a decision, kill the server before it is answered, and start it anew."""
    head = f"POST /api/decisions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as sending:
        sending.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        server.kill()
    server.start()
