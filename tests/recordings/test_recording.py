import pickle

from motor.recordings.recording import SeriesError, near


def test_error_pickled_keeps_its_kind_and_message() -> None:
    copy = pickle.loads(pickle.dumps(SeriesError("x.csv, line 3")))
    assert isinstance(copy, SeriesError)
    assert str(copy) == "x.csv, line 3"


def test_near_similar_name_is_proposed() -> None:
    assert near("sparkk", ["normal", "spark"]) == " (did you mean 'spark'?)"
    assert near("zzz", ["normal", "spark"]) == ""
