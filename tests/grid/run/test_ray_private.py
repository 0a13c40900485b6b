"""What is used of Ray beside its public interface is there, as it was when it was written for."""

import os
import subprocess
import sys

import psutil
import pytest
import ray

from grid.run.ray_private import NAMES, WRITTEN_FOR, find

# An embedded Ray that has a worker; it says where each of its processes listens, and what else it has started. Then a
# task asks for an environment, which takes the agent that was not there.
LISTENING = """
import os
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
    *listening, words, given = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert {"gcs_server", "raylet"} <= {name for _, name in listening}
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}
    assert "agent_stand_in.py" in words[1]
    assert not [name for name in ("dashboard.py", "monitor.py", "ray::Dash", "ray::Runtime") if name in words[1]]
    assert given == ["given", "yes"]
    assert psutil.CONN_LISTEN == "LISTEN"
