"""Servers and browsers killed over and over while four people write, and a race: what was acknowledged stands, once."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from sqlalchemy import text

from motor.looping.loop import Facts, begin_loop
from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.database.chain import verify
from motor.review.database.items import Item, add_items
from motor.review.database.queues import LABELS, Question, ask

KILLS = int(os.environ.get("KILLS", "5"))  # 100 at length
BROWSER_KILLS = int(os.environ.get("BROWSER_KILLS", "3"))  # 20 at length
RACED = int(os.environ.get("RACED", "200"))  # 2000 at length
WRITERS, OF_EACH, CLIENTS = 4, 50, 8
ENGINES = ("sqlite", "postgresql")
CPU_S = 2.0  # that a server takes until it answers: 5 s of a machine that does much else
ROOT = Path(__file__).parents[3]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
pytestmark = pytest.mark.slow


@pytest.fixture(params=ENGINES)
def loop(request, tmp_path):
    """Begin a loop over a few short recordings, on either engine."""
    on_server = request.param == "postgresql"
    where = request.getfixturevalue("empty_on_postgresql") if on_server else None
    draws = np.random.default_rng(0)
    signals = [draws.normal(size=2048).astype(np.float32) for _ in range(20)]
    rows = (Recording(f"p{n}", f"p{n}", "sound", "normal", 8192.0, one) for n, one in enumerate(signals))
    write_recordings(rows, tmp_path / "table")
    begun = begin_loop(tmp_path, "plant", "{}", Facts({}, ("normal", "spark"), "normal", ("table",), where))
    yield begun
    begun.database.close()


def add(loop, names):
    add_items(loop.database, [Item(name, f"m{name}", "sound", "train", "table") for name in names], "tests")


class Server:
    """A server of its own process, as `launch.py review` starts it."""

    def __init__(self, loop):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address, self.took, self.storage = f"http://127.0.0.1:{self.port}", [], loop.storage

    def start(self):
        """Start it, wait until it answers, and keep how long that took: seconds, and those of a processor."""
        words = ["review", "plant", "--storage", str(self.storage), "--port", str(self.port)]
        before = time.monotonic()
        self.process = subprocess.Popen([sys.executable, "launch.py", *words], cwd=ROOT, stdout=subprocess.DEVNULL)
        while True:
            try:
                httpx.get(f"{self.address}/api/review", timeout=20).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() - before < 120
                time.sleep(0.05)
        used = psutil.Process(self.process.pid).cpu_times()
        self.took.append((time.monotonic() - before, used.user + used.system))

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def told(self):
        wall, cpu = zip(*self.took, strict=True)
        return f"up again in {np.median(wall):.1f} s ({max(wall):.1f} at most), {np.median(cpu):.1f} of a processor"


@pytest.fixture
def server(loop):
    made = Server(loop)
    made.start()
    yield made
    made.kill()


class Writer(threading.Thread):
    """Decides on one item after the other, and sends each decision until it is acknowledged."""

    def __init__(self, number, address):
        super().__init__()
        self.number, self.address, self.over = number, address, threading.Event()
        self.acknowledged, self.faults = {}, []

    def run(self):
        with httpx.Client(base_url=self.address, timeout=20) as client:
            place = 0
            while not self.over.is_set():
                item, request = f"i{self.number}-{place % OF_EACH}", f"w{self.number}-{place}"
                body = {"request_id": request, "item": item, "revision": place // OF_EACH, "action": "label"}
                self.send(client, {**body, "label": "spark"})
                place += 1

    def send(self, client, body):
        while not self.over.is_set():
            try:
                answer = client.post("/api/decisions", json=body)
            except httpx.HTTPError:
                time.sleep(0.02)
                continue
            if answer.status_code != 200:
                self.faults.append(answer.text)
            else:
                self.acknowledged[body["request_id"]] = answer.json()["revision"]
            return


@pytest.fixture
def writers(loop, server):
    """Four who write until the test ends them."""
    add(loop, [f"i{n}-{m}" for n in range(WRITERS) for m in range(OF_EACH)])
    made = [Writer(number, server.address) for number in range(WRITERS)]
    for one in made:
        one.start()
    yield made
    stop(made)


def stop(writers):
    for one in writers:
        one.over.set()
    for one in writers:
        one.join()


def check(loop, writers):
    """What was acknowledged is there, once; return how much was."""
    with loop.database.reading() as connection:
        rows = connection.execute(text("SELECT request_id, revision FROM decision")).all()
    acknowledged = {name: revision for one in writers for name, revision in one.acknowledged.items()}
    stored = dict(map(tuple, rows))
    assert [fault for one in writers for fault in one.faults] == []
    assert len(stored) == len(rows)
    assert acknowledged.items() <= stored.items()
    assert verify(loop.database) == []
    return f"{len(acknowledged)} acknowledged, {len(rows)} stored"


def test_no_acknowledged_decision_is_lost_or_doubled_by_a_killed_server(loop, server, writers):
    for kills in range(KILLS):
        time.sleep(0.3 + 0.05 * (kills % 7))
        server.kill()
        server.start()
    time.sleep(0.5)
    stop(writers)
    told = check(loop, writers)
    print(f"\n{loop.database.engine.dialect.name}: {KILLS} kills of the server, {told}, {server.told()}")
    assert sum(len(one.acknowledged) for one in writers) > KILLS
    assert np.median([cpu for _, cpu in server.took]) < CPU_S


@pytest.mark.parametrize("loop", ["sqlite"], indirect=True)
def test_no_decision_that_the_page_went_on_from_is_lost_by_a_killed_browser(loop, server, writers, browser, tmp_path):
    names = [f"p{n}" for n in range(20)] + [f"q{n}" for n in range(15 * BROWSER_KILLS)]
    add(loop, names)
    ask(loop.database, LABELS, 1, [Question(name, "random", 0.5) for name in names], "tests")
    chance, passed, pressed = random.Random(1), set(), 0
    for _ in range(BROWSER_KILLS):
        context, page = begin(browser, tmp_path / "profile", server.address)
        for _ in range(chance.randrange(1, 5)):
            item = current(page)
            page.keyboard.press("2")
            until_other(page, item)
            passed.add(item)
        page.keyboard.press("2")
        pressed += 1
        time.sleep(chance.random() * 0.05)
        kill_browser(tmp_path / "profile")
        with suppress(Exception):  # the driver finds it gone
            context.close()
    context, page = begin(browser, tmp_path / "profile", server.address)
    page.wait_for_selector("#outbox:empty", state="attached")
    context.close()
    stop(writers)
    told = check(loop, writers)
    with loop.database.reading() as connection:
        rows = connection.execute(text("SELECT name FROM decision JOIN item ON item.id=item_id WHERE seat=''"))
        decided = Counter(name for (name,) in rows if not name.startswith("i"))
    print(f"\n{BROWSER_KILLS} kills of the browser: {len(passed)} went on from, {len(decided)} decided on; {told}")
    assert set(decided.values()) == {1}
    assert passed <= decided.keys()
    assert len(decided) <= len(passed) + pressed


def begin(browser, profile, address):
    """Open the page in a browser of its own, whose files outlive it."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    context = browser.browser_type.launch_persistent_context(str(profile), executable_path=found)
    page = context.pages[0]
    page.goto(address)
    page.locator("#answers button").first.wait_for()
    return context, page


def current(page):
    return page.locator("#item").inner_text()


def until_other(page, item):
    """Wait until the page has gone on from an item (by a locator: what its policy forbids is to evaluate a text)."""
    page.locator("#item").filter(has_not_text=re.compile(f"^{item}$")).wait_for()


def kill_browser(profile):
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if f"--user-data-dir={profile}" in line and not any(word.startswith("--type=") for word in line):
            for one in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()


def test_race_over_http_leaves_each_revision_once_and_tells_the_others_answer(loop, server):
    add(loop, [f"i{n}" for n in range(RACED)])

    def client(number):
        answers = Counter()
        with httpx.Client(base_url=server.address, timeout=120) as asking:
            for n in range(RACED):
                body = {"request_id": f"c{number}-{n}", "item": f"i{n}", "revision": 0, "action": "label"}
                answer = asking.post("/api/decisions", json={**body, "label": ("normal", "spark")[number % 2]})
                told = answer.json()
                stands = told if answer.status_code == 200 else told["answer"]
                assert (stands["revision"], stands["action"], stands["reviewer"]) == (1, "label", "reviewer")
                answers[answer.status_code] += 1
        return answers

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = sum(pool.map(client, range(CLIENTS)), Counter())
    print(f"\n{loop.database.engine.dialect.name}: {dict(answers)}")
    assert answers == {200: RACED, 409: RACED * (CLIENTS - 1)}
    assert verify(loop.database) == []
