"""Answer over HTTP, by Ray Serve, until interrupted."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from grid.run.cluster import RayError
from grid.screen.terminal import Interrupt
from motor.commands.cell import ALIAS, add_cell, ended, find_cell, find_version
from motor.commands.exits import AT_FAULT, OK, SOME_FAILED
from motor.commands.finding import settings_of
from motor.looping.loop import LoopError
from motor.looping.served import pair_of
from motor.predicting import access
from motor.predicting.parts import CellParts
from motor.predicting.predictor import parts_of
from motor.predicting.stored import CellError

if TYPE_CHECKING:
    from motor.looping.served import ServedPair

Beside = tuple[Sequence[CellParts], "ServedPair"]


def serve(
    parts: Sequence[CellParts],
    settings: access.Settings,
    interrupt: Interrupt | None = None,
    shadow: Beside | None = None,
) -> str:
    """Start the endpoint of some cells, and return its address once it answers; it ends with this process.

    Parameters
    ----------
    parts : sequence of CellParts
        As of `motor.commands.cell.find_cell`.
    settings : motor.predicting.access.Settings
    interrupt : grid.screen.terminal.Interrupt, optional
        That signals are to reach.
    shadow : optional
        As of `find_shadow`.
    """
    from motor.predicting.endpoint import start  # Ray Serve and FastAPI: not before all is found to be served

    start(parts, settings, interrupt, shadow)
    return f"http://{settings.host}:{settings.port}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the cell, the address, and the resources and limits of the endpoint."""
    add_cell(parser)
    parser.add_argument(
        "--shadow", metavar="LOOP@ALIAS", help="judges each request after its answer; what both call otherwise is asked"
    )
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
        try:
            settings = access.settings_of(arguments, os.environ)
            access.check_free(settings)
        except access.TokenError as error:
            print(error, file=sys.stderr)
            return AT_FAULT
        parts = find_cell(arguments.cell, arguments.storage, arguments.config, digest=arguments.digest)
        shadow = find_shadow(arguments.shadow, parts, arguments.storage) if arguments.shadow else None
        print(f"Loading {', '.join(cell.name for cell in parts)} ...", flush=True)
        if settings.is_open:
            open_door = f"{settings.host} can be reached from other machines and no token is asked for"
            print(f"warning: {open_door}; give --token-file, or set MOTOR_GRID_TOKEN", file=sys.stderr)
        return _until_interrupted(parts, settings, shadow)

    return ended(use)


def find_shadow(shadow: str, parts: Sequence[CellParts], storage: str | Path) -> Beside | None:
    """Return the files of a loop's other model, and what keeps recordings that it and the served one judge differently.

    None, with a line that says so, where it is the served model itself, as after a promotion.

    Raises
    ------
    CellError
        If there is no such loop, or it has no model of that name.
    """
    if ALIAS not in shadow:
        raise CellError(f"--shadow {shadow} names no loop, which keeps what both call otherwise; give LOOP@ALIAS")
    loop, version = find_version(shadow, storage)
    settings = settings_of(loop)
    try:
        beside = parts_of(storage, str(version["cell"]), None)
        return beside, pair_of(loop, parts[0].key, version, settings.shadow_kept, settings.shadow_mb)
    except LoopError as error:
        print(f"note: {error}", flush=True)
        return None
    finally:
        loop.database.close()


def _until_interrupted(parts: Sequence[CellParts], settings: access.Settings, shadow: Beside | None) -> int:
    """Serve until Ctrl-C, SIGTERM or SIGHUP, which are no failure."""
    from motor.predicting.endpoint import stop, wait  # see `serve`

    with Interrupt() as interrupt:
        try:
            address = serve(parts, settings, interrupt, shadow)
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
