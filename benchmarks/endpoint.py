"""What the endpoint costs beside the bare model: recordings a second over HTTP, against `Predictor` in a loop.

    python -m benchmarks.endpoint [--cell FOLDER_OR_KEY --storage STORAGE] [--seconds 20] [--malformed 1000]

Both on the same two cores, in one run: the loop judges one recording after the other with as many threads of the
forecaster as help it; the endpoint has a process for each core (``serve --replicas 2``) and several clients. Beside
the ratio of rates stands `cpu_ratio`: CPU seconds a recording of the loop, over those of the endpoint with the clients
and all of Ray's processes, what these take while nothing is asked included; on a busy machine that is much. Without
``--cell`` a forecaster of the shape of chronos-bolt-small (random weights, a context of 2048) is built and served.
"""

import argparse
import io
import json
import os
import random
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

GOAL = 0.8
CORES = 2
CLIENTS = 8
PORT = 8765
RATE_HZ = 16_000.0
N_SAMPLES = 16_384
CONFIG = """\
dataset: {{kind: simulator, motors_per_class: 4, n_samples: {n_samples}, sampling_rate_hz: {rate_hz}}}
split: {{kind: ratio, train: 2, validation: 1, test: 1}}
windows: {{prediction_length: 64, per_series_features: 4, stream: memory_map}}
backbone: {{kind: bolt, d_model: 512, d_kv: 64, d_ff: 2048, num_layers: 6, num_decoder_layers: 6, num_heads: 8}}
axes: {{method: [untrained], domain: [ShengYing], context_length: [2048], classifier: [lda]}}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and as the last line one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cell", help="an exported folder, or a cell of --storage")
    parser.add_argument("--storage", type=Path, default=Path("storage"))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--malformed", type=int, default=1000)
    arguments = parser.parse_args(argv)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as folder:
        parts = _parts(arguments, Path(folder))
        told = measure(parts, arguments.seconds, arguments.malformed)
    print(json.dumps({"name": "endpoint", **told, "goal": GOAL, "against": "Predictor.outcome in a loop"}))
    return 0


def measure(parts: Any, seconds: float, n_malformed: int) -> dict[str, Any]:
    """Return recordings a second of the loop and of the endpoint, and how it bore malformed requests."""
    from motor.predicting import Predictor
    from motor.predicting.access import Settings
    from motor.predicting.endpoint import start

    predictor = Predictor.open(parts)
    bodies = _bodies(predictor)
    loops = {threads: _loop(predictor, bodies, seconds / 2, threads) for threads in (1, CORES)}
    start(parts, Settings(port=PORT, replicas=CORES))
    domain = predictor.domains[0]
    _ask(f"/predict?domain={domain}", bodies[0])  # the first request of a process is slow
    # Turn by turn, so that what else the machine does falls on both.
    best = max(loops, key=lambda threads: loops[threads])
    rounds, cpu_s = [], [0.0, 0.0]
    for _ in range(4):
        marks = [_cpu_s()]
        bare = _loop(predictor, bodies, seconds / 2, best)
        marks.append(_cpu_s())
        rounds.append((bare, _clients(bodies, domain, seconds / 2, CLIENTS)))
        marks.append(_cpu_s())
        for place, rate in enumerate(rounds[-1]):
            cpu_s[place] += (marks[place + 1] - marks[place]) / (rate * seconds / 2) / 4
    bare, served = (sum(one[place] for one in rounds) / len(rounds) for place in (0, 1))
    alone = _clients(bodies, domain, seconds / 4, 1)
    statuses = malformed(f"http://127.0.0.1:{PORT}", n_malformed)
    answers = _ask(f"/predict?domain={domain}", bodies[0])[0] == 200
    print(f"bare model in a loop    {bare:8.1f} recordings/s  (threads: {best}; {_rates(loops)})")
    print(f"endpoint, {CLIENTS} clients     {served:8.1f} recordings/s  (ratio {served / bare:.2f}; goal {GOAL})")
    print(f"endpoint, one client    {alone:8.1f} recordings/s")
    print(f"CPU s a recording       {cpu_s[0]:8.3f} in the loop, {cpu_s[1]:.3f} by the endpoint")
    print(f"malformed requests      {statuses}; answers after them: {answers}")
    ratios = [round(one[1] / one[0], 3) for one in rounds]
    told = {"ratio": round(served / bare, 3), "ratios": ratios, "cpu_ratio": round(cpu_s[0] / cpu_s[1], 3)}
    return {**told, "statuses": statuses, "answers_after": answers}


def _cpu_s() -> float:
    """Return the CPU seconds that this process and all that it started have taken."""
    import psutil

    own = psutil.Process()
    total = 0.0
    for process in [own, *own.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _rates(loops: dict[int, float]) -> str:
    return ", ".join(f"{threads} threads {rate:.1f}" for threads, rate in loops.items())


def _parts(arguments: argparse.Namespace, folder: Path) -> Any:
    from motor.predicting.predictor import parts_of

    if arguments.cell and (Path(arguments.cell) / "model.json").is_file():
        return parts_of(Path(arguments.cell), "", None)
    if arguments.cell:
        return parts_of(arguments.storage, arguments.cell, None)
    return parts_of(folder / "storage", _build(folder), None)


def _build(folder: Path) -> str:
    """Build one untrained cell and return its key."""
    from grid.plan.plan import make_plan
    from grid.run.build import BuildContext, build_stage
    from grid.store.store import Store
    from motor.experiment.cells import make_cells, resources_of
    from motor.experiment.reading import read_experiment

    config = folder / "endpoint.yaml"
    config.write_text(CONFIG.format(n_samples=N_SAMPLES, rate_hz=RATE_HZ), encoding="utf-8")
    experiment, store = read_experiment(config, [], {}), Store(folder / "storage")
    plan = make_plan(make_cells(experiment, store.root, dry_run=False), store)
    for stage in plan.stages.values():
        asked = resources_of(experiment, [stage])[stage.key]
        build_stage(stage, store, BuildContext(store, stage, asked, lambda progress: None))
    return plan.cells[0].stage.key


def _bodies(predictor: Any) -> list[bytes]:
    """Return recordings of noise as WAV files."""
    import numpy as np
    import soundfile

    domain = predictor.domains[0]
    heard = predictor.cells[0].parts.trained_on[domain]
    rate_hz, n_samples = int(heard["sampling_rates_hz"][0]), heard["n_samples"][0]
    bodies = []
    for seed in range(16):
        file = io.BytesIO()
        signal = np.random.default_rng(seed).normal(0, 0.1, n_samples).astype("float32")
        soundfile.write(file, signal, rate_hz, format="WAV", subtype="FLOAT")
        bodies.append(file.getvalue())
    return bodies


def _loop(predictor: Any, bodies: list[bytes], seconds: float, threads: int) -> float:
    """Return recordings a second of the bare model: read, then judged, one after the other."""
    import soundfile
    import torch

    from motor.predicting import recording

    torch.set_num_threads(threads)
    read = [soundfile.read(io.BytesIO(body), dtype="float32") for body in bodies]
    given = [recording(signal, rate_hz, predictor.domains[0]) for signal, rate_hz in read]
    predictor.outcome(given[:1])
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        predictor.outcome([given[count % len(given)]])
        count += 1
    return count / (time.perf_counter() - began)


def _clients(bodies: list[bytes], domain: str, seconds: float, n_clients: int) -> float:
    """Return recordings a second of so many clients, each of which asks again when it is answered."""
    counts = [0] * n_clients
    end = time.perf_counter() + seconds

    def ask(number: int) -> None:
        while time.perf_counter() < end:
            status, _ = _ask(f"/predict?domain={domain}", bodies[(number + counts[number]) % len(bodies)])
            assert status == 200, status
            counts[number] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _ask(
    path: str, body: bytes, kind: str = "audio/wav", base: str = f"http://127.0.0.1:{PORT}", token: str = ""
) -> tuple[int, bytes]:
    """Return status and content of an answer."""
    headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(f"{base}{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def malformed(base: str, count: int, seed: int = 0, token: str = "") -> dict[str, int]:
    """Send malformed requests and return how many were answered with each status; every answer must be 4xx and JSON.

    Raises
    ------
    AssertionError
        If one was answered otherwise.
    """
    chance = random.Random(seed)
    kinds: list[Callable[[], tuple[str, str, bytes]]] = [
        lambda: ("/predict", "audio/wav", chance.randbytes(chance.randrange(400))),
        lambda: ("/predict", "application/x-npy", b"\x93NUMPY" + chance.randbytes(chance.randrange(200))),
        lambda: ("/predict", "application/json", chance.randbytes(chance.randrange(100))),
        lambda: ("/predict", "application/json", b'{"signal": ' + b"[" * chance.randrange(50_000)),
        lambda: ("/predict", "application/json", json.dumps({"signal": [chance.random()] * 3, "domain": "x"}).encode()),
        lambda: ("/predict", "text/csv", b"a,b\n1,x\n" * chance.randrange(1, 50)),
        lambda: ("/predict?domain=%00&rate=1", "audio/wav", b"RIFF" + chance.randbytes(60)),
        lambda: ("/predict", "multipart/form-data; boundary=x", b"--x\r\n" + chance.randbytes(80)),
        lambda: ("/predict", chance.choice(["image/png", "a/b", "/", ";;", "text"]), chance.randbytes(20)),
        lambda: ("/predict", "", b""),
    ]
    statuses: dict[str, int] = {}
    for number in range(count):
        path, kind, body = kinds[number % len(kinds)]()
        status, content = _ask(path, body, kind, base, token)
        assert 400 <= status < 500, (status, path, kind, body[:80], content[:200])
        assert json.loads(content)["error"], content[:200]
        statuses[str(status)] = statuses.get(str(status), 0) + 1
    return statuses


if __name__ == "__main__":
    sys.exit(main())
