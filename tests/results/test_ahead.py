"""What a report is made with is there once a launch has waited for it."""

import sys

from motor.evaluation.figures.style import DRAWN_BY
from motor.report.html.embedding import packed_program, plotly_source
from motor.results.ahead import ReportAhead


def test_report_ahead_has_imported_what_draws_and_packed_the_pages_program() -> None:
    packed_program.cache_clear()
    ahead = ReportAhead()
    ahead()
    ahead()  # once is enough
    ahead.wait()
    assert set(DRAWN_BY) <= set(sys.modules)
    packed_program(plotly_source())
    assert (packed_program.cache_info().hits, packed_program.cache_info().misses) == (1, 1)
