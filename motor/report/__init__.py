"""The report over all cells: findings, sections that make blocks of them, and a renderer for each form."""

from motor.evaluation.cells import CellResult, FailedCell, ReportContext
from motor.report.aside import drawn_aside
from motor.report.cells_csv import summary_table
from motor.report.compose import compose
from motor.report.findings import Findings, advised_cells, find
from motor.report.html import write_html
from motor.report.markdown import write_markdown
from motor.report.summary import summary

__all__ = [
    "CellResult",
    "FailedCell",
    "Findings",
    "ReportContext",
    "advised_cells",
    "compose",
    "drawn_aside",
    "find",
    "summary",
    "summary_table",
    "write_html",
    "write_markdown",
]
