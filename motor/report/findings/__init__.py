"""All that is derived from the cells before a word is written: numbers and kinds, no sentence."""

from motor.report.findings.alarms import is_too_good
from motor.report.findings.baselines import Column
from motor.report.findings.find import Findings, find
from motor.report.findings.recipes import advised_cells, cell_name, cells_of

__all__ = ["Column", "Findings", "advised_cells", "cell_name", "cells_of", "find", "is_too_good"]
