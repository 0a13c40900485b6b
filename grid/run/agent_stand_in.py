"""Stands where Ray's raylet wants an agent that a launch on one machine hardly ever needs, until somebody asks for it.

Run as a program, by path and without `site`: ``agent_stand_in.py SESSION NODE ADDRESS NAMES OPTION -- AGENT ...``. It
writes the ports of `NAMES` as an agent does, into files of the session's folder. Where `OPTION` is the agent's for its
port, it listens there, and becomes the agent, in the same process and at the same port, as soon as somebody connects
(the raylet tries again until the agent answers). Elsewhere the ports are -1, which means: not in use. It ends with the
raylet, its parent.
"""

import os
import select
import socket
import sys
from pathlib import Path

NOT_IN_USE = -1


def main(session: str, node: str, address: str, names: str, option: str, agent: list[str]) -> None:
    """Stand in for an agent, whose command is given as `agent`."""
    raylet = os.pidfd_open(os.getppid())
    events = select.poll()
    events.register(raylet, select.POLLIN)
    server = socket.create_server((address, 0)) if option else None
    if server is not None:
        events.register(server, select.POLLIN)
    port = server.getsockname()[1] if server is not None else NOT_IN_USE
    for name in names.split(","):
        _write_port(Path(session), f"{name}_{node}", port)
    came = [descriptor for descriptor, _ in events.poll()]
    if raylet not in came and server is not None:
        server.close()
        os.execv(agent[0], [word for word in agent if not word.startswith(f"{option}=")] + [f"{option}={port}"])


def _write_port(session: Path, name: str, port: int) -> None:
    """Write a port where Ray looks for it: whole or not at all."""
    draft = session / f"{name}.{os.getpid()}"
    draft.write_text(str(port), encoding="ascii")
    draft.rename(session / name)


if __name__ == "__main__":
    session, node, address, names, option, _, *agent = sys.argv[1:]
    main(session, node, address, names, option, agent)
