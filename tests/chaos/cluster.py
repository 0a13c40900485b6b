"""A Ray cluster on this machine: a head without CPUs and nodes with one each, all of which can be killed.

As a program it holds the nodes and obeys its standard input; all of them die with it:

    python cluster.py FOLDER N_NODES

``add``; ``kill PID`` (the node of that raylet, with all that runs there), ``kill 0`` (the first node), ``kill head``.
It answers each in one line.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any


class Nodes:
    """A cluster, as a test sees it.

    Parameters
    ----------
    run : str
        What marks its processes as those of one storage (`CHAOS_RUN`).
    n_nodes : int
        With one CPU each, beside the head.
    """

    def __init__(self, run: str, n_nodes: int = 2) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"n{uuid.uuid4().hex[:5]}"  # short, for the sake of sockets
        (self.folder / "ray").mkdir(parents=True)  # Ray writes the cluster's address there, whatever its own folder is
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        own = {"CHAOS_RUN": run, "RAY_AUTH_MODE": "disabled", "TMPDIR": str(self.folder)}
        with (self.folder / "cluster.log").open("w") as log:
            self._process: Any = subprocess.Popen(
                [sys.executable, __file__, str(self.folder), str(n_nodes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=kept | own,
                start_new_session=True,
            )
        self.address = self._answer()

    def ask(self, words: str) -> str:
        """Tell the program what to do, and return what it answers."""
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()
        return self._answer()

    def kill_node_of(self, worker: int) -> str:
        """Kill the node that a worker runs on; return in words what was killed."""
        return self.ask(f"kill {_parent(worker)}")

    def stop(self) -> None:
        """End all that is left of it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        while left := [pid for pid in _processes() if _is_of(pid, self.folder)]:  # agents linger
            for pid in left:
                _kill_one(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self) -> str:
        line = self._process.stdout.readline().strip()
        if not line:
            said = (self.folder / "cluster.log").read_text()
            self.stop()
            raise RuntimeError(f"the cluster died:\n{said}")
        return line


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _is_of(pid: int, folder: Path) -> bool:
    """Tell whether a process has it in its environment, or where that was written over, a file of it open."""
    process = Path(f"/proc/{pid}")
    try:
        if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
            return True
        return any(file.readlink().is_relative_to(folder) for file in (process / "fd").iterdir())
    except OSError:  # gone, or another user's
        return False


def _kill_one(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it was quicker
        os.kill(pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _below(pid: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    parents = {one: _parent(one) for one in _processes()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def _kill(node: Any) -> int:
    """Kill all of a node in one moment, as a power cut does; return how many processes that were."""
    servers = [info.process.pid for infos in node.all_processes.values() for info in infos]
    victims = servers + [pid for server in servers for pid in _below(server)]
    for pid in victims:
        _kill_one(pid)
    return len(victims)


def _add(cluster: Any) -> Any:
    """Add a node whose code lies in a folder of its own, as on a host of its own: a node that unpacks it begins anew,
    and would take it from under the workers of the others."""
    return cluster.add_node(num_cpus=1, runtime_env_dir_name=f"code_{uuid.uuid4().hex[:8]}")


def main(folder: str, n_nodes: int) -> None:
    """Start a cluster and do what is asked for."""
    from ray.cluster_utils import Cluster

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Ray prints
    cluster = Cluster(head_node_args={"num_cpus": 0, "temp_dir": folder}, initialize_head=True)
    nodes = [_add(cluster) for _ in range(n_nodes)]
    print(cluster.address, file=answers)
    for line in sys.stdin:
        verb, _, which = line.strip().partition(" ")
        if verb == "add":
            nodes.append(_add(cluster))
            print("added", file=answers)
            continue
        named = {str(place): node for place, node in enumerate(nodes)}
        named |= {str(node.all_processes["raylet"][0].process.pid): node for node in nodes}
        node = cluster.head_node if which == "head" else named.get(which)
        if node is None:
            print("none", file=answers)
            continue
        print(f"killed {_kill(node)} processes", file=answers)
        nodes = [other for other in nodes if other is not node]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
