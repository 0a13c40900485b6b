"""Ray for the time of a launch: an embedded one, or a cluster that is already there.

Ray is imported inside functions: it takes a second, which commands that start none do not have, and it reads `SETTINGS`
once it is imported.
"""

import contextlib
import errno
import logging
import os
import resource
import shutil
import signal
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import psutil

from grid.run import ahead as imported_ahead
from grid.run.heartbeat import SERVERS, ClusterPulse, EmbeddedPulse, Heartbeat
from grid.run.leftovers import SHARED_MEMORY, Scratch
from grid.run.ray_private import importing_from, joined_by, killing_at_once, on_loopback, with_servers_alone

CONNECT_TIMEOUT_S = 10  # for a cluster's address to answer
LOG_LINES = 20  # of each of Ray's servers, where it ended
CAUSE_LINES = 200  # at the end of a log, in which a cause may stand: a trace of the stack comes after it
LEAST_THREADS = 90  # that a Ray of two CPUs starts with; with five fewer it waits for ever
LEAST_ADDRESSES = 4_000_000_000  # bytes of a process; with 2 GB its servers wait for ever, with 4 torch has no room
OBJECT_STORE_BYTES = 1 << 30  # embedded only: the windows in flight; recordings are memory-mapped
# Embedded only. Ray aborts a process that cannot reach its head for so long; where it holds Python's lock meanwhile, as
# in the midst of its start, that is the only end there is (see `grid.run.heartbeat`).
WITHOUT_A_HEAD = {"RAY_gcs_rpc_server_reconnect_timeout_s": "20"}
STATE_TRACKING = "RAY_TRAIN_ENABLE_STATE_TRACKING"  # runs of Ray Train then stand in the dashboard
# Embedded only. Where Ray's raylet finds its own object store, a thread of it, not yet there, it looks again after this
# time, by default a second, which one start in four lost; as long as before in all.
STORE_IS_AWAITED = {"RAY_raylet_client_connect_timeout_milliseconds": "10"}
STORE_IS_AWAITED |= {"RAY_raylet_client_num_connect_attempts": "1000"}
# Embedded only. Ray ends workers that had nothing to do for a second once all CPUs are held, as Tune holds them before
# it asks for its first worker: on a busy machine those that were started ahead were gone by then, and others started.
IDLE_WORKERS_STAY = {"RAY_idle_worker_killing_time_threshold_ms": "120000"}
PRELOADED = "RAY_preload_python_modules"  # by a worker that has joined, while it waits for its first task
# What a server of Ray dies of, by the system's words for it in its log.
SHORT_OF = {
    errno.ENOSPC: "room on a disk",
    errno.EDQUOT: "room on a disk (its quota)",
    errno.ENOMEM: "memory",
    errno.EMFILE: "open files (ulimit -n)",
    errno.ENFILE: "open files on this machine",
    errno.EFBIG: "room in a file (ulimit -f)",
    errno.EROFS: "a file system that can be written to",
    errno.EAGAIN: "processes or threads (ulimit -u)",
}
# What Ray prints and checks by itself, turned down; read by Ray when it is first imported.
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # `Interrupt` does it, without Tune's wait for stages to end
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # `Queue` hands out what fits and no more; Tune's 1 starts actors in turn
    STATE_TRACKING: "0",  # an embedded Ray has no dashboard
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


# Of an embedded Ray, by which no other user of this machine can reach it; else Ray would write one into the home.
_TOKEN = {"RAY_AUTH_TOKEN": uuid.uuid4().hex}


class RayError(RuntimeError):
    """Ray could not be started."""


class Connection:
    """A launch's Ray, from `start` to `stop`.

    Parameters
    ----------
    address : str, optional
        Of the cluster; by default that of the environment (`RAY_ADDRESS`), else an embedded one.
    code : Path, optional
        The project's folder, sent to the nodes of a cluster.
    last_words : callable, optional
        Where it is given, this process ends by itself, with status 1, when the embedded Ray dies, or the cluster's
        head or the node that this process has joined by. Called before, with what is gone, in a thread of its own.
    packages : sequence of Path
        Folders of packages that every process of Ray can import, beside `code`.
    n_workers : int
        How many workers an embedded Ray starts at once, where it has the CPUs; further ones come where they are needed.
    ahead : sequence of str
        Modules that these workers import before they are asked for anything. All that runs in them has one CPU then.
    """

    def __init__(
        self,
        address: str | None,
        code: Path | None = None,
        last_words: Callable[[str], None] | None = None,
        packages: Sequence[Path] = (),
        n_workers: int = 1,
        ahead: Sequence[str] = (),
    ) -> None:
        address = address or os.environ.get("RAY_ADDRESS")
        self.address = None if address == "local" else address
        self.code = code
        self.packages = packages
        self.n_workers = n_workers
        self.ahead = ahead
        self._last_words = last_words
        self._scratch = Scratch()
        self._heartbeat: Heartbeat | None = None

    def start(self) -> str | None:
        """Connect to the cluster, or start an embedded Ray.

        Returns
        -------
        str or None
            Where the cluster's dashboard is, say ``127.0.0.1:8265``; None where it has none.

        Raises
        ------
        ConnectionError
            If no cluster answers there.
        RayError
            If the embedded Ray does not come up.
        """
        self._scratch.make()
        if self.address is None:
            self._embed()
            return None
        return self._join(self.address)

    @property
    def folder(self) -> Path:
        """A folder on this machine, from `start` to `stop`, for what nobody needs later."""
        return self._scratch.folder

    def stop(self) -> None:
        """Let the cluster go; an embedded one ends, and nothing of it stays."""
        import ray

        if self._heartbeat is not None:
            self._heartbeat.stop()
        with contextlib.nullcontext() if self.address else killing_at_once():
            ray.shutdown()
        self._scratch.release(patience_s=0)

    def _embed(self) -> None:
        _check_file_sizes()
        _check_addresses()
        _check_threads()
        there = sorted({str(package.parent) for package in self.packages})
        with (
            self._scratch.marking(_TOKEN | IDLE_WORKERS_STAY | STORE_IS_AWAITED | self._imported_ahead()),
            _deaf_to_hangups(),
            self._small() as loopback,
        ):
            os.environ.update({name: os.environ.get(name, value) for name, value in WITHOUT_A_HEAD.items()})
            self._watch(EmbeddedPulse())
            import ray

            try:
                ray.init(
                    address="local",
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=OBJECT_STORE_BYTES,
                    _temp_dir=str(self.folder),
                    job_config=importing_from(there),
                    _node_ip_address=loopback,
                    _plasma_directory=None if _has_room(SHARED_MEMORY) else str(self.folder),
                )
            except Exception as error:  # Ray raises whatever it has at hand
                self._tell_logs()
                raise RayError(f"the embedded Ray does not come up: {error}; the same command tries again") from error

    @contextlib.contextmanager
    def _small(self) -> Iterator[str]:
        """Let a Ray that is started in this block have what a launch on one machine needs; give its address."""
        with with_servers_alone(self.n_workers), on_loopback() as loopback:
            yield loopback

    def _imported_ahead(self) -> dict[str, str]:
        """Return what workers find in their environment, to import modules before they are asked.

        Numerical libraries count their threads when they are loaded, by a variable that Ray sets before each task.
        """
        if not self.ahead:
            return {}
        return {PRELOADED: imported_ahead.__name__, imported_ahead.NAMES: ",".join(self.ahead), "OMP_NUM_THREADS": "1"}

    def _join(self, address: str) -> str | None:
        _check_listening(address)
        import ray

        in_job = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ  # `ray job submit` has sent the code already
        left_out = ["/storage", "/.git", "/.venv"]
        sent = {} if in_job or self.code is None else {"working_dir": str(self.code), "excludes": left_out}
        sent |= {"py_modules": [str(package) for package in self.packages]} if self.packages else {}
        try:
            joined = ray.init(address=address, runtime_env=sent, log_to_driver=False, logging_level=logging.ERROR)
        except ConnectionError as error:
            raise ConnectionError(f"{error}{_about_the_token(error)}") from error
        self._watch(ClusterPulse(*joined_by()))
        return joined.dashboard_url or None

    def _watch(self, pulse: EmbeddedPulse | ClusterPulse) -> None:
        if self._last_words is not None:
            self._heartbeat = Heartbeat(pulse, self._say_and_let_go)

    def _say_and_let_go(self, fault: str) -> None:
        """What a heartbeat does before it ends this process, which runs no more of its own code."""
        assert self._last_words is not None
        try:
            short = short_of(line for lines in self._logs(CAUSE_LINES).values() for line in lines)
            cause = f": it was short of {short}; give it more, then" if short else ";"
            self._last_words(f"{fault}{cause} the same command goes on from here")
        finally:
            self._tell_logs()
            self._scratch.release(patience_s=0)

    def _tell_logs(self) -> None:
        """Print what Ray's servers said last, which goes away with their folder."""
        for name, lines in self._logs().items():
            print(f"{name} ends:", *lines, sep="\n    ", flush=True)

    def _logs(self, n_lines: int = LOG_LINES) -> dict[str, list[str]]:
        """Return the last lines of what Ray's servers said, by the file's name."""
        files = [file for server in SERVERS for file in self._scratch.folder.glob(f"session_2*/logs/{server}.*")]
        texts = {file.name: file.read_text(encoding="utf-8", errors="replace") for file in sorted(files)}
        return {name: text.splitlines()[-n_lines:] for name, text in texts.items()}


def short_of(lines: Iterable[str]) -> str | None:
    """Return in words what a server was short of, by the system's own words in its log; None where they say nothing."""
    said = "\n".join(lines)
    return next((words for number, words in SHORT_OF.items() if os.strerror(number) in said), None)


def _check_file_sizes() -> None:
    """Raise RayError where no file may be as large as Ray's object store: its raylet would die without a word."""
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if most != resource.RLIM_INFINITY and most < 2 * OBJECT_STORE_BYTES:
        raise RayError(
            f"files may have {most} bytes here, and the embedded Ray's object store is one of {OBJECT_STORE_BYTES}: "
            "raise the limit (ulimit -f unlimited), then run the same command again"
        )


def _check_addresses() -> None:
    """Raise RayError where a process may map so little that Ray's servers wait for one another for ever."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY and most < LEAST_ADDRESSES:
        raise RayError(
            f"a process may map {most} bytes here, and the embedded Ray needs some {LEAST_ADDRESSES}: raise the limit "
            "(ulimit -v unlimited), then run the same command again"
        )


def _check_threads() -> None:
    """Raise RayError where this user may start so few processes and threads more that Ray would wait for ever."""
    most, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if most == resource.RLIM_INFINITY or os.getuid() == 0:  # who is not limited
        return

    known = (one.info for one in psutil.process_iter(["uids", "num_threads"]) if one.info["uids"])
    n_own = sum(info["num_threads"] or 1 for info in known if info["uids"].real == os.getuid())
    if most - n_own < LEAST_THREADS:
        raise RayError(
            f"this user may have {most} processes and threads here, and has {n_own}; the embedded Ray is some "
            f"{LEAST_THREADS} more: raise the limit (ulimit -u), then run the same command again"
        )


@contextlib.contextmanager
def _deaf_to_hangups() -> Iterator[None]:
    """Let no process that is started in this block end with the terminal: the launch ends them, once it has stopped."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _has_room(folder: Path) -> bool:
    """Tell whether Ray's object store can lie in a folder; some containers have none there, or next to none."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return shutil.disk_usage(folder).free > OBJECT_STORE_BYTES
    except OSError:
        return False


def _about_the_token(error: ConnectionError) -> str:
    """Return what to do where the cluster refused this process; Ray sends its token only where it is told to."""
    if "InvalidAuthToken" not in str(error.__cause__):
        return ""
    return "; it asks for a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH (by default ~/.ray/auth_token)"


def _check_listening(address: str) -> None:
    """Raise ConnectionError at once where nothing listens; Ray itself would try for minutes."""
    host, colon, port = address.rpartition("/")[2].rpartition(":")
    if not (colon and port.isdecimal()):
        return  # "auto", say
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ConnectionError(f"nothing listens there ({error})") from error
