"""People: a token each that stands nowhere, a session that ends, a role."""

from datetime import datetime, timedelta

import pytest

from motor.review.database import chain, people
from motor.review.database.people import add_person, bearer, begin_session, close_person, end_session, role_of, session
from motor.review.faults import ReviewError


def test_token_opens_a_session_and_stands_nowhere(database, tmp_path):
    token = add_person(database, "ann", "annotator", "tests")
    secret = begin_session(database, token)
    assert session(database, secret) == bearer(database, token) == ("ann", "annotator")
    database.close()
    whole = b"".join(file.read_bytes() for file in (tmp_path / "review").iterdir())
    assert token.encode() not in whole
    assert secret.encode() not in whole


def test_new_token_ends_the_old_one_and_its_sessions(database):
    old = add_person(database, "ann", "annotator", "tests")
    secret = begin_session(database, old)
    new = add_person(database, "ann", "engineer", "tests")
    assert bearer(database, old) is None
    assert session(database, secret) is None
    assert bearer(database, new) == ("ann", "engineer")


def test_who_is_closed_comes_in_no_more(database):
    token = add_person(database, "ann", "annotator", "tests")
    secret = begin_session(database, token)
    close_person(database, "ann", "tests")
    assert (bearer(database, token), session(database, secret), role_of(database, "ann")) == (None, None, None)
    with pytest.raises(ReviewError, match="nobody is called 'bob'; there are: ann"):
        close_person(database, "bob", "tests")


def test_session_ends_by_time_and_by_hand(database, monkeypatch):
    token = add_person(database, "ann", "annotator", "tests")
    secret = begin_session(database, token)
    end_session(database, secret)
    assert session(database, secret) is None
    monkeypatch.setattr(people, "SESSION_HOURS", -1)
    assert session(database, begin_session(database, token)) is None


def test_session_of_before_the_clock_was_set_back_ends_and_a_new_one_lives(database, monkeypatch):
    token = add_person(database, "ann", "annotator", "tests")
    ahead = begin_session(database, token)
    moment = chain.later(timedelta(days=-3650))
    monkeypatch.setattr(chain, "later", lambda by: (datetime.fromisoformat(moment) + by).isoformat())
    assert session(database, ahead) is None
    assert session(database, begin_session(database, token)) == ("ann", "annotator")


@pytest.mark.parametrize(
    ("name", "role", "words"), [("ann", "boss", "unknown role"), ("adjudicated", "engineer", "called")]
)
def test_roles_and_names_that_cannot_be_are_refused(database, name, role, words):
    with pytest.raises(ReviewError, match=words):
        add_person(database, name, role, "tests")


def test_token_of_nobody_opens_nothing(database):
    assert begin_session(database, "guess") is None
