"""Answer over HTTP, by Ray Serve, until interrupted."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grid.run.cluster import RayError
from grid.screen.terminal import Interrupt
from motor.commands.cell import add_cell, ended, find_cell
from motor.commands.exits import AT_FAULT, OK, SOME_FAILED
from motor.predicting.parts import CellParts

if TYPE_CHECKING:
    from motor.predicting.access import Settings


def serve(parts: Sequence[CellParts], settings: "Settings", interrupt: Interrupt | None = None) -> str:
    """Start the endpoint of some cells, and return its address once it answers; it ends with this process.

    Parameters
    ----------
    parts : sequence of CellParts
        As of `motor.commands.cell.find_cell`.
    settings : motor.predicting.access.Settings
    interrupt : grid.screen.terminal.Interrupt, optional
        That signals are to reach.
    """
    from motor.predicting.endpoint import start

    start(parts, settings, interrupt)
    return f"http://{settings.host}:{settings.port}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add which cell, and how it is served."""
    add_cell(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--token-file", type=Path, help="a file whose one line every request has to bring")
    parser.add_argument("--replicas", type=int, default=1, help="processes that judge; one a core is best (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="CPUs of each (default: 1)")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each (default: 0)")
    parser.add_argument("--largest-mb", type=float, default=64, help="of a request's body (default: 64)")
    parser.add_argument("--most-recordings", type=int, default=64, help="of a request (default: 64)")
    parser.add_argument("--digest", help="SHA-256 of an exported folder's model.json: no other is opened")


def command(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""

    def use() -> int:
        from motor.predicting.access import TokenError, check_free, settings_of

        try:
            settings = settings_of(arguments, os.environ)
            check_free(settings)
        except TokenError as error:
            print(error, file=sys.stderr)
            return AT_FAULT
        parts = find_cell(arguments.cell, arguments.storage, arguments.config, digest=arguments.digest)
        print(f"Loading {', '.join(cell.name for cell in parts)} ...", flush=True)
        if settings.is_open:
            told = f"{settings.host} can be reached from other machines and no token is asked for"
            print(f"warning: {told}; give --token-file, or set MOTOR_GRID_TOKEN", file=sys.stderr)
        return _until_interrupted(parts, settings)

    return ended(use)


def _until_interrupted(parts: Sequence[CellParts], settings: "Settings") -> int:
    """Serve until Ctrl-C, SIGTERM or SIGHUP, which are no failure."""
    from motor.predicting.endpoint import stop, wait

    with Interrupt() as interrupt:
        try:
            address = serve(parts, settings, interrupt)
            print(f"Listening on {address}: POST /predict, GET /health, GET /docs", flush=True)
            wait(interrupt)
        except KeyboardInterrupt:
            pass
        except RayError as error:
            print(error, file=sys.stderr)
            return SOME_FAILED
        finally:
            interrupt.ignore()
            stop()
    print("Stopped: it was told to end.", flush=True)
    return OK
