"""What is used of Ray beside its public interface is there, as it was when it was written for."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray._private import services

from grid.run.cluster import STORE_IS_AWAITED
from grid.run.ray_private import NAMES, WRITTEN_FOR, find, with_servers_alone

# An embedded Ray that has a worker; it says where each of its processes listens, and what else it has started. Then a
# task asks for an environment, which takes the agent that was not there.
LISTENING = """
import os
import sys
import psutil
from grid.run.cluster import Connection
connection = Connection(None)
connection.start()
import ray

@ray.remote(num_cpus=0)
def work():
    return os.environ.get("GIVEN")

ray.get(work.remote())
family = [psutil.Process(), *psutil.Process().children(recursive=True)]
for process in family:
    for one in process.net_connections("inet"):
        if one.status == psutil.CONN_LISTEN:
            print(one.laddr.ip, process.name(), flush=True)
print("words", *(word for process in family[1:] for word in process.cmdline()), flush=True)
print("imported", "aiohttp" in sys.modules, flush=True)
print("given", ray.get(work.options(runtime_env={"env_vars": {"GIVEN": "yes"}}).remote()), flush=True)
connection.stop()
"""


def test_ray_is_the_one_that_its_private_names_were_written_for():
    assert ray.__version__ == WRITTEN_FOR, "look at each name in grid/run/ray_private.py, then raise WRITTEN_FOR"


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_ray_has_the_private_name(module: str, name: str) -> None:
    try:
        find(module, name)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"{module}.{name} is gone from Ray {ray.__version__}: {error}; see grid/run/ray_private.py")


@pytest.mark.ray
def test_embedded_ray_is_few_processes_on_the_loopback_alone_also_with_no_home_to_write_to() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"HOME": "/proc"}
    done = subprocess.run([sys.executable, "-c", LISTENING], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *listening, words, imported, given = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert {"gcs_server", "raylet"} <= {name for _, name in listening}
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}
    assert "agent_stand_in.py" in words[1]
    assert not [name for name in ("dashboard.py", "monitor.py", "ray::Dash", "ray::Runtime") if name in words[1]]
    assert imported == ["imported", "False"]  # the dashboard's libraries are for a dashboard
    assert given == ["given", "yes"]
    assert psutil.CONN_LISTEN == "LISTEN"


def test_node_that_registers_late_is_asked_for_once_it_is_there(monkeypatch):
    tables = iter([[], [], [{"NodeID": "ab"}]])

    class State:
        def _initialize_global_state(self, options: Any) -> None:
            """Nothing to connect to."""

        def node_table(self) -> list[dict[str, str]]:
            return next(tables)

        def get_node(self, node_id: str) -> dict[str, str]:
            assert not list(tables), "Ray would sleep for a second"
            return {"node_id": node_id}

    monkeypatch.setattr("ray._private.state.GlobalState", State)
    monkeypatch.setattr("ray._private.services._get_gcs_client_options", lambda address: None)
    with with_servers_alone(1):
        assert services.get_node("127.0.0.1:1", "ab") == {"node_id": "ab"}


@pytest.mark.parametrize("name", STORE_IS_AWAITED)
def test_raylet_knows_the_setting_for_how_it_awaits_its_store(name: str) -> None:
    assert name.encode() in Path(services.RAYLET_EXECUTABLE).read_bytes()
