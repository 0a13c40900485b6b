"""A review over a few recordings, and a server of it in a thread."""

import socket
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn

from motor.recordings.recording import Recording
from motor.recordings.table import write_recordings
from motor.review.database.queues import LABELS, TEST, Question, ask
from motor.review.review import Review
from motor.review.server.application import make_application
from motor.review.server.signing_in import Door
from motor.review.signals import Signals

CLASSES = ("normal", "spark", "vibrate")
SUGGESTED = {"probabilities": {"normal": 0.2, "spark": 0.7, "vibrate": 0.1}, "unlike": 0.25, "neighbours": ["i1"]}


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """Write twenty recordings of four motors, as `fill` adds them."""
    folder = tmp_path_factory.mktemp("table")
    draws = np.random.default_rng(0)
    signals = [draws.normal(size=4096).astype(np.float32) for _ in range(20)]
    known = [(f"i{n}", f"m{n // 5}", "sound", "normal", 8192.0, signal, 1500.0) for n, signal in enumerate(signals)]
    write_recordings((Recording(*one, recorded_at=float(n)) for n, one in enumerate(known)), folder)
    return folder


@pytest.fixture
def review(filled, table):
    asked = [Question(f"i{n}", "random", 0.5, SUGGESTED, is_blind=n == 1) for n in range(15)]
    ask(filled, LABELS, 1, asked, "tests")
    ask(filled, TEST, 1, [Question(f"i{n}", "all") for n in range(15, 20)], "tests")
    return Review("plant", filled, Signals([table]), CLASSES, "look at the orders", known=lambda: {"i2": "spark"})


@pytest.fixture
def served():
    """Return what serves a review from a thread, and gives its address."""
    return _served


@contextmanager
def _served(review, port=0):
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        application = make_application(review, Door(review.database))
        server = uvicorn.Server(uvicorn.Config(application, access_log=False, log_level="error", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(timeout=20)
