"""What the review page takes: drawing, deciding, a session by keys, and a server of many items and decisions.

    python -m benchmarks.reviewing [--keys 1868] [--items 100000 --decisions 1000000] [--seconds 1800]

The server is `launch.py review` in a process of its own, the browser a headless Chromium, the recordings white noise
of 65536 points and five of 4 million. While views are drawn, a training of two cores runs beside (`BESIDE`). Times are
the page's own (`performance.now`), from the fetch to the last of three canvases. Each line says its limit.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

N_SAMPLES, LONG, RATE_HZ = 65_536, 4_000_000, 65_536.0
DRAWN, N_LONG, DECIDED = 60, 5, 200
BATCH = 20_000
# What is measured: its limit, in the unit of its name.
LIMITS = {
    "fetched_p95_ms": 200.0,
    "ahead_p95_ms": 100.0,
    "long_p95_ms": 500.0,
    "decision_p95_ms": 50.0,
    "decisions_a_minute": 60.0,
    "next_p95_ms": 20.0,
    "server_mb": 500.0,
}
AT_LEAST = ("decisions_a_minute",)
BESIDE = """\
import torch
model = torch.nn.Sequential(*(torch.nn.Linear(512, 512) for _ in range(8)))
steps = torch.optim.AdamW(model.parameters())
while True:
    steps.zero_grad()
    model(torch.randn(256, 512)).square().mean().backward()
    steps.step()
"""
DRAW = """\
async (item) => {
  const { Plot, unpacked } = await import("/assets/plot.js");
  window.measured ??= ["waveform", "spectrum", "envelope"].map((name) => new Plot(document.getElementById(name)));
  const began = performance.now();
  const told = await (await fetch(`/api/screen?item=${item}`)).json(), { waveform } = told;
  window.measured[0].show({ from: 0, to: 1, unit: "s", low: unpacked(waveform.low), high: unpacked(waveform.high) });
  for (const [place, name] of [[1, "spectrum"], [2, "envelope"]]) {
    const { values, highest_hz: to } = told[name];
    window.measured[place].show({ from: 0, to, unit: "Hz", values: unpacked(values) });
  }
  return performance.now() - began;
}
"""
DECIDE = """\
async (body) => {
  const began = performance.now();
  const answer = await fetch("/api/decisions", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return performance.now() - began;
}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keys", type=int, default=1868, help="items of the session by keys alone")
    parser.add_argument("--seconds", type=float, default=1800, help="at most, of the session by keys")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    arguments = parser.parse_args(argv)
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        told |= of_page(Path(folder), arguments.keys, arguments.seconds)
    with tempfile.TemporaryDirectory() as folder:
        told |= of_many(Path(folder), arguments.items, arguments.decisions)
    holds = {name: (told[name] >= limit) == (name in AT_LEAST) for name, limit in LIMITS.items()}
    for name, limit in LIMITS.items():
        cpu = told.get(name.removesuffix("_p95_ms") + "_server_cpu_ms")
        beside = "" if cpu is None else f"; the server's processor {cpu:.1f} ms each"
        print(f"{name:20} {told[name]:10.1f}  limit {limit:.0f}{'' if holds[name] else ', missed'}{beside}")
    ratio = max(told[name] / limit for name, limit in LIMITS.items() if name not in AT_LEAST)
    print(json.dumps({"name": "reviewing", "ratio": round(ratio, 3), "goal": 1.0, "against": "limits", **told}))
    return 0


def of_page(folder: Path, n_keys: int, seconds: float) -> dict[str, Any]:
    """Return how fast views are drawn and decisions taken, and how many a minute keys alone make."""
    from sqlalchemy import text

    from motor.recordings.recording import Recording

    draws = np.random.default_rng(0)
    noise = draws.normal(size=LONG).astype(np.float32)
    kinds = {"item": (DRAWN, N_SAMPLES), "long": (N_LONG, LONG), "key": (n_keys, N_SAMPLES)}
    names = [f"{kind}{n}" for kind, (count, _) in kinds.items() for n in range(count)]

    def recordings() -> Iterator[Recording]:
        for kind, (count, n_samples) in kinds.items():
            for n in range(count):
                start = n * 97 % (LONG - n_samples + 1)
                signal = noise[start : start + n_samples]
                yield Recording(f"{kind}{n}", f"m{kind}{n}", "sound", "normal", RATE_HZ, signal, 1500.0)

    loop = _begin(folder, recordings(), names, [name for name in names if name.startswith("key")])
    with _served(folder) as (address, process), _browser() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.goto(address)
        page.wait_for_selector("body[data-drawn='key0']")
        with _beside():
            time.sleep(5)
            marks = [_cpu_ms(process)]
            fetched = [page.evaluate(DRAW, f"item{n}") for n in range(DRAWN)]
            marks.append(_cpu_ms(process))
            long = [page.evaluate(DRAW, f"long{n}") for n in range(N_LONG)]
            marks.append(_cpu_ms(process))
        decided = []
        for n in range(DECIDED):
            body = {"request_id": f"d{n}", "item": f"item{n % DRAWN}", "revision": n // DRAWN, "action": "label"}
            decided.append(page.evaluate(DECIDE, {**body, "label": "spark"}))
        marks.append(_cpu_ms(process))
        page.goto(address)
        told = _session(page, n_keys, seconds)
    with loop.database.reading() as connection:
        stored = connection.scalar(
            text("SELECT count(*) FROM decision JOIN item ON item.id=item_id WHERE motor LIKE 'mkey%'")
        )
    assert stored == told["decided_by_keys"], (stored, told)
    loop.database.close()
    of = {"fetched": fetched, "long": long, "decision": decided, "ahead": told.pop("ahead")}
    counts = {"fetched": DRAWN, "long": N_LONG, "decision": DECIDED}
    for (name, count), before, after in zip(counts.items(), marks, marks[1:], strict=False):
        told[f"{name}_server_cpu_ms"] = round((after - before) / count, 1)
    return _percentiles(of) | told


def _percentiles(of: dict[str, list[float]]) -> dict[str, float]:
    return {
        f"{name}_p{share}_ms": round(float(np.percentile(one, share)), 1)
        for name, one in of.items()
        for share in (50, 95)
    }


def _cpu_ms(process: Any) -> float:
    """Return what a server has taken of a processor until now: on a machine that does much else, waits say less."""
    used = process.cpu_times()
    return 1000 * float(used.user + used.system)


def _session(page: Any, n_keys: int, seconds: float) -> dict[str, Any]:
    """Decide by keys as fast as items are drawn, until the outbox is empty; the first hundred half a second each."""
    ahead, began, count = [], time.monotonic(), 0
    for n in range(n_keys):
        page.wait_for_selector(f"body[data-drawn='key{n}']", timeout=60_000)
        if 0 < n <= 100:
            ahead.append(float(page.evaluate("document.body.dataset.drawnMs")))
        if n < 100:
            page.wait_for_timeout(500)
        page.keyboard.press(str(1 + n % 2))
        count += 1
        if time.monotonic() - began > seconds:
            break
    minutes = (time.monotonic() - began) / 60
    page.wait_for_selector("#outbox:empty", state="attached", timeout=60_000)
    return {"ahead": ahead, "decisions_a_minute": round(count / minutes, 1), "decided_by_keys": count}


def of_many(folder: Path, n_items: int, n_decisions: int) -> dict[str, Any]:
    """Return what a server of many items and decisions takes: memory, and how long the next item is looked for."""
    import httpx
    from sqlalchemy import insert, text, update

    from motor.recordings.recording import Recording
    from motor.review.database.schema import ANSWER, DECISION

    signal, names = np.ones(16, dtype=np.float32), [f"i{n}" for n in range(n_items)]
    rows = (Recording(name, f"m{n // 10}", "sound", "normal", RATE_HZ, signal) for n, name in enumerate(names))
    loop = _begin(folder, rows, names, names)
    each = n_decisions // n_items
    for start in range(0, n_items, BATCH // each):  # without their trail, which none of these requests reads
        with loop.database.writing() as connection:
            ids = range(start + 1, min(n_items, start + BATCH // each) + 1)
            made = [_decision(item, revision) for item in ids for revision in range(1, each + 1)]
            connection.execute(insert(DECISION), made)
    with loop.database.writing() as connection:
        answered = {"revision": each, "effective": each, "action": "label", "label": "spark", "reviewer": "ann"}
        connection.execute(update(ANSWER).where(ANSWER.c.item_id % 2 == 0).values(**answered))
        connection.execute(text("UPDATE asked SET is_open=0 WHERE item_id % 2 = 0"))
    loop.database.close()
    with _served(folder) as (address, process), httpx.Client(base_url=address, timeout=60) as client:
        client.get("/api/motor", params={"item": "i0"}).raise_for_status()
        waits: dict[str, list[float]] = {"next": [], "overview": []}
        told: dict[str, float] = {}
        for name, path in (("next", "/api/next?queue=labels&count=1"), ("overview", "/api/review")):
            before = _cpu_ms(process)
            for _ in range(DECIDED):
                began = time.perf_counter()
                client.get(path).raise_for_status()
                waits[name].append(1000 * (time.perf_counter() - began))
            told[f"{name}_server_cpu_ms"] = round((_cpu_ms(process) - before) / DECIDED, 1)
        memory_mb = process.memory_info().rss / 1e6
    return {**_percentiles(waits), **told, "server_mb": round(memory_mb, 1)}


def _decision(item: int, revision: int) -> dict[str, Any]:
    told = {"request_id": f"r{item}-{revision}", "item_id": item, "seat": "", "revision": revision}
    made = {"before": revision - 1, "action": "label", "label": "spark", "reviewer": "ann"}
    return {**told, **made, "decided_at": "2026-01-01T00:00:00.000000+00:00", "seen": "{}"}


def _begin(folder: Path, recordings: Iterator[Any], names: Sequence[str], asked: Sequence[str]) -> Any:
    from motor.looping.loop import Facts, begin_loop
    from motor.recordings.table import write_recordings
    from motor.review.database.items import Item, add_items
    from motor.review.database.queues import LABELS, Question, ask

    write_recordings(recordings, folder / "table")
    loop = begin_loop(folder, "plant", "{}", Facts({}, ("normal", "spark"), "normal", ("table",)))
    motors = {name: f"m{n // 10}" if name.startswith("i") and name[1:].isdigit() else f"m{name}"
              for n, name in enumerate(names)}  # fmt: skip
    add_items(loop.database, [Item(name, motors[name], "sound", "train", "table") for name in names], "benchmark")
    ask(loop.database, LABELS, 1, [Question(name, "random", 0.5) for name in asked], "benchmark")
    return loop


@contextmanager
def _served(storage: Path) -> Iterator[tuple[str, Any]]:
    import httpx
    import psutil

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["review", "plant", "--storage", str(storage), "--port", str(port)]
    with subprocess.Popen([sys.executable, "launch.py", *words], stdout=subprocess.DEVNULL) as server:
        for _ in range(600):
            try:
                httpx.get(f"http://127.0.0.1:{port}/", timeout=10)
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        try:
            yield f"http://127.0.0.1:{port}", psutil.Process(server.pid)
        finally:
            server.terminate()


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found)


@contextmanager
def _beside() -> Iterator[None]:
    """Train beside, on every core."""
    with subprocess.Popen([sys.executable, "-c", BESIDE]) as training:
        try:
            yield
        finally:
            training.terminate()


if __name__ == "__main__":
    sys.exit(main())
