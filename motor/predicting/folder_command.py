"""``predict.py`` of an exported folder; and what its options share with ``launch.py predict``."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from motor.lazy import torch
from motor.predicting.faults import Outcome
from motor.predicting.inputs import LAYOUT
from motor.predicting.parts import PartError
from motor.predicting.predictor import Predictor
from motor.predicting.printing import FORMATS, as_text
from motor.recordings.recording import DataError

OK, FAILED, AT_FAULT = 0, 1, 2


def main(folder: Path, argv: Sequence[str] | None = None) -> int:
    """Judge recordings with what was exported, and return the exit status."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Judge recordings of motors.")
    add_options(parser)
    arguments = parser.parse_args(argv)

    def judged(**requested: Any) -> Outcome:
        predictor = Predictor.load(folder, device=arguments.device, digest=arguments.digest)
        return predictor.outcome(arguments.recordings, **requested)

    return judge(arguments, judged)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the fields of recordings as options."""
    parser.add_argument("recordings", nargs="+", help="files, folders, or patterns such as 'new/*.wav'")
    parser.add_argument("--domain", help="the sensor, where a recording does not tell it")
    parser.add_argument("--sampling-rate-hz", type=float, help="where a file does not tell it")
    parser.add_argument("--speed-rpm", type=float, help="of the shaft, where it is needed and not known")
    parser.add_argument(
        "--pattern", help="regular expression, searched in a name: (?P<domain>...), (?P<motor>...), ..."
    )
    parser.add_argument("--variable", help="of .mat and .csv files that hold several")
    parser.add_argument("--delimiter", help="of tables, where they or the training's config do not tell it")
    parser.add_argument("--decimal", help="mark of tables: . or ,")
    parser.add_argument("--skip-rows", type=int, help="lines of titles above a table")
    parser.add_argument("--reference", nargs="+", default=[], help="healthy recordings of the same motors")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="of what is printed (default: csv)")
    parser.add_argument("--output", type=Path, help="write there, whole or not at all, instead of printing")
    parser.add_argument("--device", default="cpu", help="for the forecasters: cpu (default) or cuda")
    parser.add_argument("--threads", type=int, help="of the forecasters on CPUs (default: all cores)")
    parser.add_argument("--digest", help="SHA-256 of model.json, as the export printed it: no other is opened")


def judge(arguments: argparse.Namespace, judged: Callable[..., Outcome]) -> int:
    """Judge recordings by a function of what was typed of them, and print; faults go to stderr, one a line."""
    try:
        _use_threads(arguments.threads)
        options = ("domain", "sampling_rate_hz", "speed_rpm", "pattern", "variable", *LAYOUT, "reference")
        requested = {name: getattr(arguments, name) for name in options}
        outcome = judged(**requested)
    except (PartError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except (DataError, ValueError) as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    _write(as_text(outcome.predictions, arguments.format), arguments.output)
    for fault in outcome.faults:
        print(fault.reason, file=sys.stderr)
    return AT_FAULT if outcome.faults else OK


def _use_threads(count: int | None) -> None:
    if count is not None:
        torch.set_num_threads(max(1, count))


def _write(text: str, output: Path | None) -> None:
    if output is None:
        print(text, end="")
        return
    neighbour = output.with_name(f".{output.name}.part")
    neighbour.write_text(text, encoding="utf-8")
    neighbour.replace(output)
