"""The endpoint on Ray Serve: the same number as from Python, and answers whatever is sent."""

import contextlib
import importlib.util
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from motor.predicting.printing import as_rows

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    # Ray Serve's own: it is imported, and leaves sockets to its processes.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
TOKEN = "a token"
CELL = "A/Joint/64/lda"


def malformed(base: str, count: int, **options: Any) -> dict[str, int]:
    """Send the benchmark's malformed requests."""
    file = Path(__file__).parents[2] / "benchmarks" / "endpoint.py"
    spec = importlib.util.spec_from_file_location("endpoint_benchmark", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.malformed(base, count, **options)


class Served(NamedTuple):
    base: str

    def ask(self, path: str, body: bytes | None = None, token: str = TOKEN, **headers: str) -> tuple[int, Any]:
        """Return status and JSON, or text, of an answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            f"{self.base}{path}", data=body, headers={"Authorization": f"Bearer {token}", **named}
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, _content(answer)
        except urllib.error.HTTPError as error:
            return error.code, _content(error)


def _content(answer: Any) -> Any:
    text = answer.read().decode()
    return json.loads(text) if "json" in answer.headers["content-type"] else text


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A loop that keeps what the shadow calls otherwise; its recordings are none of those that are sent."""
    from motor.looping.loop import Facts, begin_loop

    made = begin_loop(tmp_path_factory.mktemp("loop"), "plant", "loop: {}\n", Facts({}, ("normal",), "normal", ()))
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def served(storage: Path, loop: Any) -> Iterator[Served]:
    """An endpoint with a token, small limits and another model in its shadow, on a free port."""
    import hashlib

    import ray
    from ray import serve

    from motor.looping.served import pair_of
    from motor.predicting.access import Settings
    from motor.predicting.endpoint import start
    from motor.predicting.stored import find_cells

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    parts = [cell.parts() for cell in find_cells(storage, CELL)]
    beside = [cell.parts() for cell in find_cells(storage, "B/Joint/64/lda")]
    pair = pair_of(loop, parts[0].key, {"cell": beside[0].key, "iteration": 1}, 50, 10.0)
    settings = Settings(port=port, largest_bytes=100_000, most_recordings=3, token_digest=digest)
    start(parts, settings, shadow=(beside, pair))
    yield Served(f"http://127.0.0.1:{port}")
    serve.shutdown()
    ray.shutdown()


def test_endpoint_same_number_as_from_python(served: Served, joint: Any, two_files: list[Path]) -> None:
    for file in two_files:
        domain = file.parent.parent.name
        status, found = served.ask(f"/predict?domain={domain}&item=x.npy", file.read_bytes(), content_type="")
        (expected,) = as_rows(joint.predict([file]))
        assert status == 200
        assert found["predictions"] == [{**expected, "item": "x.npy"}]


def test_endpoint_health_docs_and_openapi_answer(served: Served) -> None:
    status, health = served.ask("/health")
    assert (status, health["status"], health["cells"][0]["name"]) == (200, "ok", "A/Joint/64/lda")
    assert "/predict" in served.ask("/openapi.json")[1]["paths"]
    assert "Try it" in served.ask("/docs")[1]


def test_endpoint_without_its_token_401(served: Served, two_files: list[Path]) -> None:
    status, answer = served.ask("/predict?domain=ShengYing", two_files[0].read_bytes(), token="another")
    assert status == 401
    assert "needs a token" in answer["error"]


def test_endpoint_body_over_the_limit_413(served: Served) -> None:
    status, answer = served.ask("/predict?domain=ShengYing", bytes(200_000), content_type="application/x-npy")
    assert (status, answer["error"].startswith("the body is over 0.1 MB")) == (413, True)


def chunked(served: Served, *chunks: bytes, is_shut: bool = False) -> bytes:
    """Send a body in chunks, each as it is, and return all that is answered."""
    head = (
        f"POST /predict?domain=ShengYing HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(served.base.rpartition(":")[2])), timeout=120) as connection:
        with contextlib.suppress(ConnectionError):  # it may answer, and close, before all was sent
            for part in (head.encode(), b"Transfer-Encoding: chunked\r\n\r\n", *chunks):
                connection.sendall(part)
            if is_shut:
                connection.shutdown(socket.SHUT_WR)
        answered = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 16):
                answered += part
    return answered


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def test_endpoint_body_in_chunks_is_the_body(served: Served, joint: Any, two_files: list[Path]) -> None:
    content = two_files[0].read_bytes()
    parts = [chunk(content[at : at + 1000]) for at in range(0, len(content), 1000)]
    answered = chunked(served, *parts, b"0\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 200")
    (row,) = json.loads(answered[answered.index(b"{") : answered.rindex(b"}") + 1])["predictions"]
    assert row["probabilities"] == as_rows(joint.predict([two_files[0]]))[0]["probabilities"]


def test_endpoint_chunks_over_the_limit_413_and_torn_ones_leave_it_answering(served: Served) -> None:
    assert b"over 0.1 MB" in chunked(served, *[chunk(bytes(50_000))] * 3, b"0\r\n\r\n")
    assert chunked(served, b"zz\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert not chunked(served, b"ff\r\nabc", is_shut=True).startswith((b"HTTP/1.1 2", b"HTTP/1.1 5"))
    assert served.ask("/health")[0] == 200


def test_endpoint_recording_at_fault_422_with_the_others(served: Served, two_files: list[Path]) -> None:
    import numpy as np

    good = {"signal": np.load(two_files[0]).tolist(), "sampling_rate_hz": 4096, "domain": "ShengYing", "item": "good"}
    content = json.dumps({"recordings": [good, {**good, "item": "bad", "sampling_rate_hz": 10}]}).encode()
    status, found = served.ask("/predict", content, content_type="application/json")
    assert status == 422
    assert [row["item"] for row in found["predictions"]] == ["good"]
    assert [fault["item"] for fault in found["faults"]] == ["bad"]


def test_endpoint_a_thousand_malformed_requests_leave_it_answering(
    served: Served, joint: Any, two_files: list[Path]
) -> None:
    statuses = malformed(served.base, 500, token=TOKEN)
    assert set(statuses) <= {"400", "413", "415", "422"}
    assert malformed(served.base, 500, seed=1) == {"401": 500}
    status, found = served.ask("/predict?domain=ShengYing", two_files[0].read_bytes())
    assert status == 200
    assert found["predictions"][0]["probabilities"] == as_rows(joint.predict([two_files[0]]))[0]["probabilities"]


def test_endpoint_shadow_judges_what_was_answered_and_its_faults_change_no_answer(
    served: Served, storage: Path, joint: Any, loop: Any, tiny_data: Path
) -> None:
    from motor.looping.served import seen
    from motor.predicting import Predictor

    other = Predictor.load(storage, "B/Joint/64/lda")
    files = sorted(tiny_data.glob("ShengYing/*/*.npy"))
    differ = [file for file in files if joint.predict([file])["label"][0] != other.predict([file])["label"][0]]
    before = sum(pair.counts.get("judged", 0) for pair in seen(loop))
    for file in files:
        status, _ = served.ask("/predict?domain=ShengYing", file.read_bytes(), content_type="")
        assert status == 200
    wanted, until = before + len(files), time.monotonic() + 60
    while (found := next(seen(loop), None)) is None or found.counts["judged"] + found.counts["missed"] < wanted:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert differ
    assert found.counts["kept"] == len(list((loop.folder / "served").glob("*/said.json"))) > 0
    (loop.folder / "served").rename(loop.folder / "gone")
    (loop.folder / "served").write_text("a file in the place of the folder: nothing can be counted or kept")
    for file in files[:3]:
        assert served.ask("/predict?domain=ShengYing", file.read_bytes(), content_type="")[0] == 200


def test_sigterm_ends_the_command_with_one_line_and_0(storage: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--storage", str(storage), "--cell", CELL, "--port", str(port)]
    command = [sys.executable, "-u", str(Path(__file__).parents[2] / "launch.py"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("Listening on") for line in lines)
        process.send_signal(signal.SIGTERM)
        after = list(lines)
        assert process.wait(timeout=120) == 0
    assert after == ["Stopped: it was told to end.\n"]
