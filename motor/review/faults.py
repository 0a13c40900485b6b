"""Errors of a review, worded for the person who asked."""

from typing import Any


class ReviewError(ValueError):
    """What was asked for cannot be: a person, an item or a label that is not there, a database that cannot be used."""


class ConflictError(ReviewError):
    """Somebody else decided first.

    Attributes
    ----------
    answer : dict
        What stands now: revision, action, label, reviewer.
    """

    def __init__(self, message: str, answer: dict[str, Any]) -> None:
        super().__init__(message, answer)
        self.answer = answer

    def __str__(self) -> str:
        return str(self.args[0])
