"""`report.html`: the report as one page that opens without a network."""

from motor.report.html.page import shell, write_html

__all__ = ["shell", "write_html"]
