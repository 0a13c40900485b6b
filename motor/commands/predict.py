"""Judge new recordings by a trained cell."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from motor.commands.cell import add_cell, ended, find_cell
from motor.predicting import folder_command
from motor.predicting.faults import Outcome
from motor.predicting.parts import CellParts
from motor.predicting.predictor import Predictor
from motor.recordings.recording import Recording


def predict(
    parts: Sequence[CellParts], recordings: Iterable[str | Path | Recording], device: str = "cpu", **given: Any
) -> Outcome:
    """Judge recordings by cells that were found.

    Parameters
    ----------
    parts : sequence of CellParts
        As of `motor.commands.cell.find_cell`.
    recordings, **given
        As of `motor.predicting.predictor.Predictor.outcome`.
    device : str
        For the forecasters: ``cpu`` or ``cuda``.
    """
    return Predictor.open(parts, device=device).outcome(recordings, **given)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments: the cell, the recordings, and what is known of these."""
    add_cell(parser)
    folder_command.add_options(parser)


def command(arguments: argparse.Namespace) -> int:
    """Print what the cell says of each recording, as an exported folder does."""

    def use() -> int:
        asked = (arguments.cell, arguments.storage, arguments.config, arguments.domain, arguments.digest)
        parts, recordings = find_cell(*asked), arguments.recordings
        return folder_command.judge(arguments, lambda **given: predict(parts, recordings, arguments.device, **given))

    return ended(use)
