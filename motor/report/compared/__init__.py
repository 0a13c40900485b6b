"""Many reports on one page: which can be compared, what holds over data sets, and figures of others beside them."""

from motor.report.compared.added import Added, read_added
from motor.report.compared.data import rows_of
from motor.report.compared.joined import Joined, Report, join, words_of
from motor.report.compared.page import compared_page
from motor.report.compared.pretraining import pretraining

__all__ = ["Added", "Joined", "Report", "compared_page", "join", "pretraining", "read_added", "rows_of", "words_of"]
