"""A server killed over and over while four people write: what was acknowledged stands, once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from sqlalchemy import text

from motor.review.database.chain import verify
from motor.review.database.items import Item, add_items
from motor.review.database.opening import open_database

KILLS = int(os.environ.get("KILLS", "5"))
WRITERS = 4
SERVER = """\
import sys
from pathlib import Path
from motor.review.database.opening import open_database
from motor.review.review import Review
from motor.review.server.serving import serve
from motor.review.server.signing_in import Door
from motor.review.signals import Signals
where, port = sys.argv[1:]
database = open_database(where if where.startswith("postgresql") else Path(where))
serve(Review("plant", database, Signals([]), ("normal", "spark")), Door(database), int(port))
"""
pytestmark = pytest.mark.slow


class Writer(threading.Thread):
    """Decides on one item after the other, and sends each decision until it is acknowledged."""

    def __init__(self, number, address, over):
        super().__init__()
        self.number, self.address, self.over = number, address, over
        self.acknowledged, self.faults = {}, []

    def run(self):
        with httpx.Client(base_url=self.address, timeout=5) as client:
            place = 0
            while not self.over.is_set():
                item, request = f"i{self.number}-{place % 50}", f"w{self.number}-{place}"
                self.send(client, {"request_id": request, "item": item, "revision": place // 50, "action": "label"})
                place += 1

    def send(self, client, body):
        while not self.over.is_set():
            try:
                answer = client.post("/api/decisions", json={**body, "label": "spark"})
            except httpx.HTTPError:
                time.sleep(0.02)
                continue
            if answer.status_code != 200:
                self.faults.append(answer.text)
            else:
                self.acknowledged[body["request_id"]] = answer.json()["revision"]
            return


def up(address, before):
    """Return how long a server took to answer, in seconds."""
    while True:
        try:
            httpx.get(f"{address}/api/review", timeout=1).raise_for_status()
            return time.monotonic() - before
        except httpx.HTTPError:
            assert time.monotonic() - before < 60
            time.sleep(0.05)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_acknowledged_decision_is_lost_or_doubled(engine, tmp_path, request):
    where = str(tmp_path) if engine == "sqlite" else request.getfixturevalue("empty_on_postgresql")
    database = open_database(tmp_path if engine == "sqlite" else where)
    add_items(database, [_item(f"i{n}-{m}") for n in range(WRITERS) for m in range(50)], "tests")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, over, waits = f"http://127.0.0.1:{port}", threading.Event(), []
    writers = [Writer(number, address, over) for number in range(WRITERS)]
    for kills in range(KILLS + 1):
        before = time.monotonic()
        server = subprocess.Popen([sys.executable, "-c", SERVER, where, str(port)])
        waits.append(up(address, before))
        if not kills:
            for one in writers:
                one.start()
        time.sleep(0.3 + 0.05 * (kills % 7))
        if kills == KILLS:
            over.set()
            for one in writers:
                one.join()
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
    with database.reading() as connection:
        rows = connection.execute(text("SELECT request_id, revision FROM decision")).all()
    acknowledged = {name: revision for one in writers for name, revision in one.acknowledged.items()}
    stored = dict(map(tuple, rows))
    told = f"{len(acknowledged)} acknowledged, {len(rows)} stored, up again in {max(waits):.1f} s at most"
    print(f"{engine}: {KILLS} kills, {told}")
    assert [fault for one in writers for fault in one.faults] == []
    assert len(acknowledged) > KILLS
    assert len(stored) == len(rows)
    assert acknowledged.items() <= stored.items()
    assert verify(database) == []
    database.close()


def _item(name):
    return Item(name, f"m{name}", "sound", "train", "table")
