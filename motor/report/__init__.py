"""The report over all cells: findings, sections that make blocks of them, and a renderer for each form."""

from motor.evaluation.cells import CellResult, FailedCell, ReportContext
from motor.report.aside import begin_aside, drawn_aside, is_begun
from motor.report.cells_csv import summary_table
from motor.report.compose import compose
from motor.report.document import Document
from motor.report.drawing import draw
from motor.report.findings import Findings, advised_cells, find
from motor.report.html import write_html
from motor.report.markdown import write_markdown
from motor.report.summary import summary

__all__ = [
    "CellResult",
    "Document",
    "FailedCell",
    "Findings",
    "ReportContext",
    "advised_cells",
    "begin_aside",
    "compose",
    "draw",
    "drawn_aside",
    "find",
    "is_begun",
    "summary",
    "summary_table",
    "write_html",
    "write_markdown",
]
