"""The base of the report's sections: findings in, a title and blocks out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from motor.report.document import Block
from motor.report.findings import Findings
from motor.report.plugin import Speaking
from motor.report.wording import Wording


class Section(Speaking):
    """A section: a file `NAME.py` with a class of this base as `PLUGIN`, whose `kind` is `NAME`.

    Its title is the text `title` of its words.

    Attributes
    ----------
    IS_OPEN : bool
        Whether it is seen without unfolding it.
    NEEDS_CELLS : bool
        Whether it has nothing to say where no cell has a result.
    """

    ROOM: ClassVar[str] = "motor.report.sections"
    IS_OPEN: ClassVar[bool] = False
    NEEDS_CELLS: ClassVar[bool] = True

    def blocks(self, findings: Findings, wording: Wording) -> Sequence[Block]:
        """Return what it shows; [] where it has nothing to say, and then it is left out.

        Parameters
        ----------
        findings : Findings
            Numbers and kinds.
        wording : Wording
            The words of the reader's language, its own and the shared ones.
        """
        raise NotImplementedError(f"{type(self).__name__} must make its blocks")
