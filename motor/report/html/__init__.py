"""`report.html`: the report over all cells as one page that opens without a network."""

from motor.report.html.page import write_html
from motor.report.html.tables import advised_cells

__all__ = ["advised_cells", "write_html"]
