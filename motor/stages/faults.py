"""Faults of the data, said as such, so that a launch can end with the status that means them."""

from collections.abc import Iterator
from contextlib import contextmanager

from grid.stage import InputError


@contextmanager
def input_faults() -> Iterator[None]:
    """Turn a ValueError (`DataError` is one) about what came in into an `InputError` with the same words."""
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from error
