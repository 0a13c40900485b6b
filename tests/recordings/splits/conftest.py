"""Tables of recordings as splits see them."""

from collections.abc import Callable, Iterable

import pandas
import pytest

Table = Callable[[Iterable[tuple[str, str, str]]], pandas.DataFrame]


@pytest.fixture
def table() -> Table:
    """Return a function that makes a table of (motor, label, domain) rows; the motor's number names its fold."""

    def make(rows: Iterable[tuple[str, str, str]]) -> pandas.DataFrame:
        meta = pandas.DataFrame(list(rows), columns=["motor", "label", "domain"])
        return meta.assign(fold=meta["motor"].str.extract(r"(\d+)$")[0].astype(int).mod(5).map("f{}".format))

    return make
