"""A round begins by itself when enough is new, and not before the last one has cooled down."""

from datetime import UTC, datetime, timedelta

from motor.experiment.looping import Triggers
from motor.looping.triggers import Facts, due

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def facts(n_labels=0, unlike_share=0.0, hours=5.0):
    return Facts(n_labels, unlike_share, None if hours is None else NOW - timedelta(hours=hours), NOW)


def test_each_trigger_is_reached_at_its_limit():
    rules = Triggers(labels=20, unlike=0.1, hours=24)
    assert due(facts(), rules) == {}
    assert due(facts(n_labels=20), rules) == {"labels": 20}
    assert due(facts(unlike_share=0.1), rules) == {"unlike": 0.1}
    assert due(facts(hours=24), rules) == {"hours": 24}


def test_nothing_is_due_while_the_last_round_cools_down():
    assert due(facts(n_labels=50, hours=0.5), Triggers(cooldown_hours=1)) == {}
    assert due(facts(n_labels=50, hours=1.0), Triggers(cooldown_hours=1)) == {"labels": 50}


def test_loop_that_has_sealed_nothing_is_due_by_its_labels():
    assert due(facts(n_labels=19, hours=None), Triggers()) == {}
    assert due(facts(n_labels=20, hours=None), Triggers()) == {"labels": 20}
    assert due(facts(n_labels=99), Triggers(labels=None)) == {}


def test_clock_that_was_set_back_since_labels_were_sealed_keeps_no_round_waiting():
    assert due(facts(n_labels=20, hours=-24 * 3650), Triggers(cooldown_hours=1)) == {"labels": 20}
