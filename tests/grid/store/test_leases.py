"""Who does which piece of work, over all processes and machines that see one storage."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grid.store.leases import Lease, LeaseLostError, Leases
from grid.store.place import Folder
from grid.store.processes import identity

HERE = f"{socket.gethostname()}, process {os.getpid()}"
HOLD = """
import socket, sys, time
from pathlib import Path
from grid.store.leases import Leases
from grid.store.place import Folder
if sys.argv[2]:
    socket.gethostname = lambda: sys.argv[2]
lease = Leases(Folder(Path(sys.argv[1])), ttl_s=float(sys.argv[3]), renew_s=0.1).acquire("work", "launch-7")
print(lease is not None, flush=True)
input()
try:
    print(lease.is_lost, flush=True)
    lease.check()
except Exception as error:
    print(type(error).__name__, error, flush=True)
lease.release()
"""


class Clock:
    """An observer's clock, which goes when it is told to."""

    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def leases(tmp_path: Path, clock: Clock) -> Leases:
    return Leases(Folder(tmp_path / "leases"), clock=clock)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    """Start processes that hold the lease ``work``, as of another machine if one is named."""
    with ExitStack() as processes:

        def begin(host: str = "", ttl_s: float = 60) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", HOLD, str(tmp_path / "leases"), host, str(ttl_s)]
            process = processes.enter_context(subprocess.Popen(command, stdin=-1, stdout=-1, text=True))
            processes.callback(process.kill)
            assert said_by(process) == "True"
            return process

        yield begin


def said_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def left(leases: Leases) -> list[str]:
    """Everything in the folder, hidden files too."""
    assert isinstance(leases.place, Folder)
    return sorted(path.name for path in leases.place.root.iterdir())


def text_of(counter: int = 0, **fields: Any) -> str:
    return json.dumps({**identity(), "holder": "", "token": "theirs", "counter": counter, **fields})


def put(leases: Leases, text: str, file: str = "work.1") -> None:
    assert leases.place.create(file, text)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert condition()


def counter_of(leases: Leases) -> int:
    return json.loads(leases.place.read("work.1") or "{}").get("counter", -1)


def renew(lease: Lease) -> None:
    """What its thread does every `renew_s`, now."""
    with lease._lock:
        lease._renew()


def test_lease_is_held_by_one_until_it_is_released(leases: Leases) -> None:
    assert leases.holder("work") is None
    with leases.acquire("work", "launch-7") as lease:
        assert leases.acquire("work") is None
        assert leases.holder("work") == f"{HERE} (launch-7)"
        assert leases.holders() == {"work": f"{HERE} (launch-7)"}
        lease.check()
        assert not lease.is_lost
    assert leases.holder("work") is None
    assert left(leases) == []


def test_lease_of_one_name_says_nothing_of_others(leases: Leases) -> None:
    with leases.acquire("work.1"), leases.acquire("work") as other, leases.acquire("work.10"):
        assert set(leases.holders()) == {"work", "work.1", "work.10"}
        renew(other)
        other.check()
    assert left(leases) == []


@pytest.mark.parametrize("name", ["", ".work", "finetune/work"])
def test_lease_of_a_name_that_no_file_can_have_is_refused(leases: Leases, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' cannot be leased"):
        leases.acquire(name)


def test_leases_that_expire_before_they_are_renewed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="renew_s is 60 and ttl_s 60"):
        Leases(Folder(tmp_path), ttl_s=60, renew_s=60)


def test_lease_released_twice_or_by_an_error_is_free(leases: Leases) -> None:
    with pytest.raises(KeyError), leases.acquire("work") as lease:
        raise KeyError
    lease.release()
    assert left(leases) == []
    with pytest.raises(LeaseLostError, match="it was released"):
        lease.check()


def test_lease_of_a_process_killed_on_this_machine_is_free_at_once(leases: Leases, start: Any) -> None:
    process = start()
    assert leases.holder("work") == f"{socket.gethostname()}, process {process.pid} (launch-7)"
    assert leases.acquire("work") is None
    process.kill()
    process.wait()
    with leases.acquire("work") as lease:
        assert left(leases) == [f"work.{lease.generation}"] == ["work.2"]
    assert left(leases) == []


def test_holder_of_what_a_killed_process_held_clears_it_away(leases: Leases, start: Any) -> None:
    process = start()
    process.kill()
    process.wait()
    assert leases.holders() == {}
    assert left(leases) == []


def test_lease_of_a_suspended_process_on_this_machine_stays_its_own(leases: Leases, clock: Clock, start: Any) -> None:
    process = start()
    process.send_signal(signal.SIGSTOP)
    assert leases.acquire("work") is None
    clock.now += 1000
    assert leases.acquire("work") is None


def test_lease_of_another_machine_expires_when_its_counter_stands_still(leases: Leases, clock: Clock) -> None:
    put(leases, text_of(host="host7", pid=4711, holder="launch-7"))
    for _ in range(2):
        assert leases.holder("work") == "host7, process 4711 (launch-7)"
        clock.now += 59.9
        assert leases.acquire("work") is None
        leases.place.write("work.1", text_of(1, host="host7", pid=4711, holder="launch-7"))
    assert leases.acquire("work") is None
    clock.now += 60
    with leases.acquire("work"):
        assert left(leases) == ["work.2"]


@pytest.mark.parametrize("name", ["boot_id", "pid_namespace"])
def test_lease_of_another_boot_or_container_is_judged_as_another_machines(
    leases: Leases, clock: Clock, name: str
) -> None:
    put(leases, text_of(**{name: "another"}, pid=1))
    assert leases.acquire("work") is None
    clock.now += 60
    assert leases.holder("work") is None


def test_lease_that_one_process_saw_expire_is_free_for_one_that_begins_now(leases: Leases, clock: Clock) -> None:
    put(leases, text_of(host="host7"))
    assert leases.holder("work") is not None
    clock.now += 60
    assert pickle.loads(pickle.dumps(leases)).acquire("work") is None  # it would have to watch as long
    assert leases.holder("work") is None
    with pickle.loads(pickle.dumps(leases)).acquire("work") as lease:
        lease.check()


@pytest.mark.parametrize("text", ["", "{", "[1]", '"text"', '{"host": "host7"}', "\x00\x00"])
def test_lease_that_is_damaged_expires_like_one_that_is_not_renewed(leases: Leases, clock: Clock, text: str) -> None:
    put(leases, text)
    assert leases.holder("work") == "somebody whose lease cannot be read"
    clock.now += 59
    assert leases.acquire("work") is None
    clock.now += 1
    with leases.acquire("work"):
        assert left(leases) == ["work.2"]


@pytest.mark.parametrize("shift_s", [-1e6, 1e6])
def test_leases_do_not_look_at_system_clocks(
    leases: Leases, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shift_s: float
) -> None:
    put(leases, text_of(host="host7"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + shift_s)
    os.utime(tmp_path / "leases" / "work.1", (now - shift_s, now - shift_s))
    assert leases.holder("work") is not None
    clock.now += 59
    assert leases.holder("work") is not None
    clock.now += 1
    assert leases.holder("work") is None


def test_leases_pickle_while_they_are_used_and_keep_their_terms(tmp_path: Path) -> None:
    used = Leases(Folder(tmp_path), ttl_s=6, renew_s=2)
    with used.acquire("work"):
        copied = pickle.loads(pickle.dumps(used))
        assert (copied.place, copied.ttl_s, copied.renew_s) == (Folder(tmp_path), 6, 2)
        assert copied.acquire("work") is None


def test_leases_forget_what_is_gone(leases: Leases) -> None:
    for number in range(5):
        put(leases, text_of(host="host7"), f"work{number}.1")
        assert leases.holder(f"work{number}") is not None
        leases.place.remove(f"work{number}.1")
    assert leases.holders() == {}
    assert leases._unchanged == {}


def test_lease_renewed_counts_on(leases: Leases, clock: Clock) -> None:
    with leases.acquire("work") as lease:
        for _ in range(3):
            clock.now += 59
            renew(lease)
        lease.check()
        assert counter_of(leases) == 3


def test_lease_is_renewed_by_a_thread_that_ends_with_it(tmp_path: Path) -> None:
    leases = Leases(Folder(tmp_path), renew_s=0.01)
    with leases.acquire("work") as lease:
        wait_until(lambda: counter_of(leases) > 3)
        lease.check()
    wait_until(lambda: "lease work" not in {thread.name for thread in threading.enumerate()})
    assert left(leases) == []


def test_lease_taken_over_is_lost_and_not_renewed(tmp_path: Path) -> None:
    leases = Leases(Folder(tmp_path), renew_s=0.01)
    lease = leases.acquire("work")
    put(leases, text_of(host="host9", pid=12), "work.2")
    wait_until(lambda: lease.is_lost)
    with pytest.raises(LeaseLostError, match="lease of work is lost: host9, process 12 took it over"):
        lease.check()
    lease.release()
    assert left(leases) == ["work.2"]


@pytest.mark.parametrize("by", ["nobody", "another"])
def test_lease_whose_text_is_gone_or_anothers_is_lost(leases: Leases, by: str) -> None:
    with leases.acquire("work") as lease:
        leases.place.remove("work.1")
        if by == "another":
            put(leases, text_of())
        assert not lease.is_lost  # it does not know yet
        with pytest.raises(LeaseLostError, match=r"work.1 is gone, or another's"):
            lease.check()
        renew(lease)
    assert left(leases) == ([] if by == "nobody" else ["work.1"])


def test_lease_that_was_not_renewed_in_time_is_lost_though_nobody_took_it(leases: Leases, clock: Clock) -> None:
    with leases.acquire("work") as lease:
        clock.now += 60.5
        assert lease.is_lost
        renew(lease)
        with pytest.raises(LeaseLostError, match="not renewed for 60 s, and expires after 60 s"):
            lease.check()
        assert counter_of(leases) == 0
    renew(lease)  # its thread was waiting for the release to end
    assert left(leases) == []


def test_lease_error_pickles(leases: Leases) -> None:
    with leases.acquire("work") as lease:
        leases.place.remove("work.1")
        with pytest.raises(LeaseLostError) as caught:
            lease.check()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


class Unsteady(Folder):
    """A folder on a storage that is away now and then, or loses its answers."""

    away = loses_answers = False

    def create(self, name: str, text: str) -> bool:
        made = super().create(name, text)
        if self.loses_answers:
            raise TimeoutError("no answer")
        return made

    def names(self) -> list[str]:
        if self.away:
            raise OSError("the storage is away")
        return super().names()

    def read(self, name: str) -> str | None:
        if self.away:
            raise OSError("the storage is away")
        return super().read(name)


@pytest.fixture
def unsteady(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sets how the storage is; put right at the end."""
    return monkeypatch


def test_lease_on_a_storage_that_is_away_is_lost_only_when_it_expires(
    tmp_path: Path, clock: Clock, unsteady: pytest.MonkeyPatch
) -> None:
    leases = Leases(Unsteady(tmp_path), renew_s=0.01, clock=clock)
    lease = leases.acquire("work")
    unsteady.setattr(Unsteady, "away", True)
    time.sleep(0.1)
    clock.now += 59
    lease.check()
    unsteady.setattr(Unsteady, "away", False)
    before = counter_of(leases)
    wait_until(lambda: counter_of(leases) > before + 1)  # its thread went on
    clock.now += 59
    lease.check()
    unsteady.setattr(Unsteady, "away", True)
    clock.now += 120
    with pytest.raises(LeaseLostError, match="not renewed"):
        lease.check()


def test_lease_released_while_the_storage_is_away_goes_when_it_is_back(
    tmp_path: Path, unsteady: pytest.MonkeyPatch
) -> None:
    leases = Leases(Unsteady(tmp_path), renew_s=0.01)
    lease = leases.acquire("work")
    unsteady.setattr(Unsteady, "away", True)
    lease.release()
    time.sleep(0.05)
    assert left(leases) == ["work.1"]
    unsteady.setattr(Unsteady, "away", False)
    wait_until(lambda: left(leases) == [])


def test_lease_created_by_a_request_without_an_answer_is_not_left(tmp_path: Path, unsteady: pytest.MonkeyPatch) -> None:
    unsteady.setattr(Unsteady, "loses_answers", True)
    leases = Leases(Unsteady(tmp_path))
    with pytest.raises(TimeoutError):
        leases.acquire("work")
    assert left(leases) == []


class Repeating(Folder):
    """A storage whose client sends a request again, after the first had reached it."""

    def create(self, name: str, text: str) -> bool:
        super().create(name, text)
        return super().create(name, text)


def test_lease_created_by_a_request_that_was_repeated_is_held(tmp_path: Path) -> None:
    with Leases(Repeating(tmp_path)).acquire("work") as lease:
        lease.check()


class Fleeting(Folder):
    """A folder in which a claim beside ours is taken back as soon as it was seen."""

    def names(self) -> list[str]:
        names = super().names()
        self.remove("work.2")
        return names


def test_lease_beside_a_claim_that_is_taken_back_is_not_lost(tmp_path: Path) -> None:
    leases = Leases(Fleeting(tmp_path), renew_s=0.1)
    with leases.acquire("work") as lease:
        put(leases, text_of(), "work.2")
        lease.check()
        assert leases.generations("work") == [1]
        lease.check()


@dataclass(frozen=True)
class Slow(Folder):
    """A folder that something happens in before a lease is created: between a look and the claim."""

    before: Callable[[], Any]

    def create(self, name: str, text: str) -> bool:
        self.before()
        return super().create(name, text)


def test_claim_that_comes_late_is_taken_back_from_beside_the_holder(leases: Leases, tmp_path: Path) -> None:
    put(leases, text_of(pid=1))  # dead: the number is another process's now
    holders: list[Lease] = []

    def others() -> None:  # take it over, release it, and take it anew
        with leases.acquire("work"):
            pass
        holders.extend([leases.acquire("work")])

    late = Leases(Slow(tmp_path / "leases", others))
    assert late.acquire("work") is None
    assert left(leases) == ["work.1"]
    with holders[0] as lease:
        lease.check()


def test_claim_of_one_that_was_suspended_meanwhile_is_taken_back_if_the_holder_came_back(
    leases: Leases, clock: Clock, tmp_path: Path
) -> None:
    put(leases, text_of(host="host7"))
    back = Slow(tmp_path / "leases", lambda: leases.place.write("work.1", text_of(1, host="host7")))
    late = Leases(back, clock=clock)
    assert late.acquire("work") is None
    clock.now += 60
    assert late.acquire("work") is None
    assert left(leases) == ["work.1"]


@dataclass(frozen=True)
class Hooked(Folder):
    """A folder that something happens in around reading and writing."""

    hook: Callable[[str], Any]

    def read(self, name: str) -> str | None:
        self.hook(f"read {name}")
        return super().read(name)

    def write(self, name: str, text: str) -> None:
        super().write(name, text)
        self.hook(f"wrote {name}")


def test_lease_renewed_too_late_by_a_storage_that_hung_is_lost(tmp_path: Path, clock: Clock) -> None:
    leases = Leases(Hooked(tmp_path, lambda done: setattr(clock, "now", 100.0) if "wrote" in done else None))
    leases.clock = clock
    with leases.acquire("work") as lease:
        renew(lease)
        assert lease.is_lost
    assert left(leases) == []


def test_lease_that_took_the_place_of_an_expired_one_meanwhile_is_not_cleared_away(
    leases: Leases, tmp_path: Path
) -> None:
    put(leases, text_of(pid=1))
    reads: list[str] = []

    def hook(done: str) -> None:
        reads.append(done)
        if reads.count("read work.1") == 3:  # judged twice; now it would be removed
            leases.place.write("work.1", text_of(host="host7"))

    with Leases(Hooked(tmp_path / "leases", hook)).acquire("work"):
        assert left(leases) == ["work.1", "work.2"]


def test_lease_of_a_suspended_process_of_another_machine_is_taken_over_and_it_finds_out(
    leases: Leases, clock: Clock, start: Any
) -> None:
    process = start("host7", 1)
    assert leases.holder("work") == f"host7, process {process.pid} (launch-7)"
    seen = counter_of(leases)
    wait_until(lambda: counter_of(leases) > seen)
    clock.now += 1000
    assert leases.acquire("work") is None  # it is renewed
    process.send_signal(signal.SIGSTOP)
    assert leases.acquire("work") is None
    clock.now += 1000
    with leases.acquire("work") as lease:
        time.sleep(1.1)
        process.send_signal(signal.SIGCONT)
        is_lost, error = process.communicate("\n", timeout=20)[0].splitlines()
        assert is_lost == "True"
        assert error.startswith("LeaseLostError the lease of work is lost")
        lease.check()
    assert left(leases) == []


RACE = """
import json, os, sys, time
from pathlib import Path
from grid.store.leases import Leases
from grid.store.place import Folder
folder, me, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
leases = Leases(Folder(folder / "leases"), renew_s=0.01)
for number in range(rounds):
    (folder / f"ready-{number}-{me}").touch()
    while not all((folder / f"ready-{number}-{other}").exists() for other in range(4)):
        time.sleep(0.0005)
    deadline = time.monotonic() + 60
    while (lease := leases.acquire(f"round-{number}")) is None:
        assert time.monotonic() < deadline, leases.holder(f"round-{number}")
        time.sleep(0.001)
    with lease:
        marker = os.open(folder / "marker", os.O_CREAT | os.O_EXCL)
        time.sleep(0.002)
        lease.check()
        os.close(marker)
        (folder / "marker").unlink()
        with (folder / "done").open("a") as done:
            done.write(f"{number} {me}\\n")
"""


def test_lease_that_processes_race_for_is_held_by_one_at_any_time(tmp_path: Path) -> None:
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    leases = Leases(Folder(tmp_path / "leases"))
    for number in range(0, 30, 2):  # every other name was held by a process that died
        put(leases, text_of(pid=int(dead.stdout)), f"round-{number}.1")
    arguments = [[sys.executable, "-c", RACE, str(tmp_path), str(me), "30"] for me in range(4)]
    processes = [subprocess.Popen(each, stderr=subprocess.PIPE, text=True) for each in arguments]
    failures = [process.communicate(timeout=100)[1] for process in processes]
    assert failures == [""] * 4
    done = (tmp_path / "done").read_text().splitlines()
    assert sorted(done) == sorted(f"{number} {me}" for number in range(30) for me in range(4))
    assert left(leases) == []
