"""A launch's Ray: what it leaves, and how a launch ends whose Ray dies. Each in a process of its own."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from grid.run.cluster import Connection, short_of
from grid.run.leftovers import MARK

pytestmark = pytest.mark.ray
END_S = 60.0
SILENCE_S = 120.0  # two agents try for a minute to tell the head, dead as it is, of the raylet's death
# A launch that says where its Ray's folder is, then stops it or stands still in a call of Ray, as told.
PROGRAM = """
import sys, time
from grid.run.cluster import Connection
from grid.run.leftovers import sweep_leftovers
sweep_leftovers()
connection = Connection(None, last_words=lambda fault: print(fault + chr(10), end="", flush=True))  # Ray prints, too
connection.start()
import ray

@ray.remote(num_cpus=0)
class Worker:
    def stand(self, seconds):
        time.sleep(seconds)

worker = Worker.remote()
ray.get(worker.stand.remote(0))
print(connection.folder, flush=True)
if sys.argv[1] == "stop":
    connection.stop()
else:
    ray.get(worker.stand.remote(600))
"""


class Launch:
    """The program above, with a folder of its own for temporary files."""

    def __init__(self, temporary: Path, what: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.process: Any = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, what],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment | {"TMPDIR": str(temporary)},
        )
        self.folder = Path(self.process.stdout.readline().strip())

    def processes(self) -> dict[int, str]:
        """Return the processes that its Ray has started and that live, with their words."""
        found = {}
        for path in Path("/proc").iterdir():
            try:
                if path.name.isdecimal() and f"{MARK}={self.folder.name}".encode() in (path / "environ").read_bytes():
                    found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # gone
        return found

    def end(self) -> tuple[int, str]:
        """Wait for the end; return the status and what was said last."""
        said, _ = self.process.communicate(timeout=END_S)
        return self.process.returncode, said

    def silence(self) -> bool:
        """Wait until no process is left; tell whether that came about."""
        end = time.monotonic() + SILENCE_S
        while self.processes() and time.monotonic() < end:
            time.sleep(0.1)
        return not self.processes()


@pytest.fixture
def temporary() -> Iterator[Path]:
    folder = Path("/tmp") / f"m{uuid.uuid4().hex[:5]}"  # short, for the sake of sockets
    folder.mkdir()
    yield folder
    folder.rmdir()


@pytest.fixture
def launch(temporary: Path) -> Iterator[Callable[[str], Launch]]:
    started: list[Launch] = []

    def start(what: str) -> Launch:
        started.append(Launch(temporary, what))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()


def test_connection_address_local_is_an_embedded_ray_and_the_environments_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.7:6379")
    assert Connection(None).address == "10.0.0.7:6379"
    assert Connection("10.0.0.8:6379").address == "10.0.0.8:6379"
    assert Connection("local").address is None
    monkeypatch.delenv("RAY_ADDRESS")
    assert Connection(None).address is None


def test_connection_where_nothing_listens_raises_at_once_and_leaves_nothing() -> None:
    connection = Connection("127.0.0.1:1")
    with pytest.raises(ConnectionError, match="nothing listens there"):
        connection.start()
    connection.stop()
    assert not connection.folder.exists()


# Of a worker: whether it has imported what it was to import, and how many threads it found that it has.
AHEAD = """
import os
import sys
from grid.run.cluster import Connection
connection = Connection(None, ahead=("colorsys", "no.such.module"))
connection.start()
import ray

@ray.remote(num_cpus=0)
def work():
    return "colorsys" in sys.modules, os.environ["OMP_NUM_THREADS"]

print(ray.get(work.remote()), "OMP_NUM_THREADS" in os.environ, flush=True)
connection.stop()
"""


def test_connection_workers_have_imported_ahead_and_count_one_thread() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "OMP_"))}
    done = subprocess.run([sys.executable, "-c", AHEAD], env=environment, capture_output=True, text=True)
    assert done.stdout == "(True, '1') False\n", done.stderr


# A launcher that is slow to ask for the worker that has started, and holds all CPUs meanwhile, as Tune does: whether it
# is there still.
SLOW = """
import time
import psutil
from grid.run.cluster import Connection
connection = Connection(None)
connection.start()
import ray

def workers():
    family = psutil.Process().children(recursive=True)
    return {one.pid for one in family if b"ray::" in open(f"/proc/{one.pid}/cmdline", "rb").read()}

while not workers():
    time.sleep(0.1)
started = workers()
time.sleep(2)
ray.util.placement_group([{"CPU": ray.cluster_resources()["CPU"]}]).wait(30)
time.sleep(3)
print(workers() == started, flush=True)
connection.stop()
"""


def test_connection_workers_that_have_started_wait_for_a_slow_launcher() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run([sys.executable, "-c", SLOW], env=environment, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(("said", "what"), [("mmap: No space left on device", "room on a disk"), ("all is well", None)])
def test_short_of_is_what_a_servers_log_says(said: str, what: str | None) -> None:
    assert short_of(["I 1 main.cc:1: begins", said]) == what


# Root is not limited in its processes; another user who can read all files is.
ANOTHER_USER = (
    "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all,+dac_override --ambient-caps=+dac_override"
)
AS_USER = f'exec {"" if os.getuid() else ANOTHER_USER} "$0" -c "$1" stop'
# Limits, and what is mounted otherwise, under which an embedded Ray runs all the same, or says what it lacks.
LIMITED = {
    "with no home": ({"HOME": "/proc"}, "{0}", None),
    "without assertions": ({"PYTHONOPTIMIZE": "1"}, "{0}", None),
    "with small files": ({}, "ulimit -f 1000; {0}", "raise the limit (ulimit -f unlimited)"),
    "with few addresses": ({}, "ulimit -v 2000000; {0}", "raise the limit (ulimit -v unlimited)"),
    "with few processes": ({}, "prlimit --nproc=60 --pid $$; " + AS_USER, "raise the limit (ulimit -u)"),
    "with /dev/shm read-only": ({}, "mount -t tmpfs -o ro none /dev/shm; {0}", None),
    "without /dev/shm": ({}, "mount -t tmpfs none /tmp/{1}; cp -a /dev/*ero /dev/null /dev/*random /tmp/{1}; "
                            "mount --bind /tmp/{1} /dev; {0}", None),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("how", LIMITED)
def test_connection_on_a_machine_that_lacks_something_runs_or_says_what(how: str, temporary: Path) -> None:
    variables, command, expected = LIMITED[how]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | variables
    (other := temporary / "dev").mkdir()
    apart = ["unshare", "-m"] if "mount" in command else []
    if (
        apart
        and subprocess.run([*apart, "mount", "-t", "tmpfs", "none", str(other)], stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("nothing can be mounted here")
    words = command.format('exec "$0" -c "$1" stop', other.relative_to("/tmp"))
    done = subprocess.run(
        [*apart, "sh", "-c", words, sys.executable, PROGRAM], capture_output=True, text=True,
        env=environment | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    other.rmdir()
    assert (done.returncode == 0) == (expected is None), done.stderr
    assert expected is None or expected in done.stderr.splitlines()[-1]
    for left in temporary.glob("*/*"):
        shutil.rmtree(left.parent)


@pytest.mark.slow
def test_connection_stopped_leaves_no_process_and_no_folder(launch: Callable, temporary: Path) -> None:
    stopped = launch("stop")
    assert stopped.end() == (0, "")
    assert stopped.processes() == {}
    assert not list(temporary.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("server", ["raylet", "gcs_server"])
def test_connection_server_killed_ends_the_launch_with_a_word_and_leaves_nothing(
    server: str, launch: Callable, temporary: Path
) -> None:
    standing = launch("stand")
    found = {pid for pid, words in standing.processes().items() if f"/{server} " in words}
    (victim,) = (pid for pid in found if psutil.Process(pid).ppid() not in found)  # it may be starting another program
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    status, said = standing.end()
    assert status == 1
    assert f"the embedded Ray is gone: its {server} died; the same command goes on from here" in said.splitlines()
    assert time.monotonic() - began < END_S / 3
    assert standing.silence()
    assert not list(temporary.iterdir())


@pytest.mark.slow
def test_connection_launch_killed_leaves_what_the_next_one_removes(launch: Callable, temporary: Path) -> None:
    killed = launch("stand")
    assert len(killed.processes()) >= 4
    killed.process.kill()
    killed.process.wait()
    assert killed.folder.exists()
    assert launch("stop").end() == (0, "")
    assert killed.processes() == {}
    assert not list(temporary.iterdir())


@pytest.mark.slow
def test_connection_launch_killed_takes_its_processes_with_it(launch: Callable, temporary: Path) -> None:
    killed = launch("stand")
    killed.process.kill()
    killed.process.wait()
    assert killed.silence()
    shutil.rmtree(killed.folder.parent)
