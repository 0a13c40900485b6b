"""The report over all cells: `result.md` for people, one row a cell for machines."""

from motor.evaluation.cells import CellResult, FailedCell, ReportContext
from motor.report.findings import find
from motor.report.page import write_report
from motor.report.tables import summary_table

__all__ = ["CellResult", "FailedCell", "ReportContext", "find", "summary_table", "write_report"]
