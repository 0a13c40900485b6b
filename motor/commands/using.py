"""``python launch.py predict | export | serve``: the commands that use a trained cell."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from grid.store.store import StoreError
from motor.predicting.exporting import ExportError, export
from motor.predicting.folder_command import AT_FAULT, FAILED, OK, add_options, judge
from motor.predicting.parts import CellParts, PartError
from motor.predicting.predictor import Predictor, parts_of
from motor.predicting.stored import CellError

STORAGE = "where results lie: a folder, or s3://bucket/prefix (default: storage/)"
CELL = "a key or its start, a name such as C/Joint/4096/svm, best, or a folder that was exported"


def main(argv: Sequence[str], root: Path) -> int:
    """Run ``predict``, ``export`` or ``serve`` and return the exit status: 0, 2 the input is at fault, 1 otherwise.

    Parameters
    ----------
    argv : sequence of str
        The command line; its first word is the command.
    root : Path
        The project's folder, for the default of ``--storage``.
    """
    parser = argparse.ArgumentParser(prog="launch.py", description="Use what a grid has found.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, add, _) in COMMANDS.items():
        one = commands.add_parser(name, help=text, description=text)
        _add_cell(one, root)
        add(one)
    arguments = parser.parse_args(argv)
    try:
        return COMMANDS[arguments.command][2](arguments)
    except (CellError, ExportError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except (PartError, StoreError, OSError) as error:
        print(error, file=sys.stderr)
        return FAILED


def _add_cell(parser: argparse.ArgumentParser, root: Path) -> None:
    parser.add_argument("--cell", required=True, metavar="KEY", help=CELL)
    parser.add_argument("--config", metavar="NAME", help="the grid whose cell is meant: its config or its name")
    parser.add_argument("--storage", default=str(root / "storage"), help=STORAGE)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="default: exported-KEY")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--token-file", type=Path, help="a file whose one line every request has to bring")
    parser.add_argument("--replicas", type=int, default=1, help="processes that judge; one a core is best (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="CPUs of each (default: 1)")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each (default: 0)")
    parser.add_argument("--largest-mb", type=float, default=64, help="of a request's body (default: 64)")
    parser.add_argument("--most-recordings", type=int, default=64, help="of a request (default: 64)")
    parser.add_argument("--digest", help="SHA-256 of an exported folder's model.json: no other is opened")


def _predict(arguments: argparse.Namespace) -> int:
    # With one domain asked for, the model of another need not be loaded.
    parts = _parts(arguments, arguments.domain)
    return judge(arguments, lambda: Predictor.open(parts, device=arguments.device))


def _export(arguments: argparse.Namespace) -> int:
    parts = _parts(arguments)
    target = arguments.to or Path(f"exported-{parts[0].key}")
    digest = export(parts, target)
    names = ", ".join(cell.name for cell in parts)
    print(f"Exported {names} to {target}\nIt predicts without Ray: python {target / 'predict.py'} RECORDINGS")
    print(f"SHA-256 of model.json, for --digest: {digest}")
    return OK


def _serve(arguments: argparse.Namespace) -> int:
    from motor.predicting.endpoint import run
    from motor.predicting.serving import TokenError, settings_of

    try:
        settings = settings_of(arguments, os.environ)
    except TokenError as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    parts = _parts(arguments)
    print(f"Loading {', '.join(cell.name for cell in parts)} ...", flush=True)
    return run(parts, settings)


def _parts(arguments: argparse.Namespace, domain: str | None = None) -> list[CellParts]:
    """Return where what is asked for lies."""
    given, digest = Path(arguments.cell), getattr(arguments, "digest", None)
    if (given / "model.json").is_file():
        return parts_of(given, "", None, digest=digest)
    return parts_of(arguments.storage, arguments.cell, grid_name(arguments.config), domain)


def grid_name(config: str | None) -> str | None:
    """Return the name of a grid's results: what its config says, else the file's name."""
    if config is None:
        return None
    import yaml

    path = Path(config)
    if path.is_file():
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        return str(told["name"]) if isinstance(told, dict) and told.get("name") else path.stem
    return path.name.removesuffix(".yaml").removesuffix(".yml")


COMMANDS = {
    "predict": ("judge new recordings by a trained cell", add_options, _predict),
    "export": ("write one folder that predicts without Ray", _add_export, _export),
    "serve": ("answer over HTTP, by Ray Serve", _add_serve, _serve),
}
