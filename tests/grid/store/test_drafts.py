"""Drafts tell whose they are."""

import os
import re
import subprocess
import sys

import pytest

from grid.store.drafts import draft_name, writer_lives

PRINT = "from grid.store.drafts import draft_name; print(draft_name('number-0123'))"


def test_draft_names_of_a_process_differ_and_it_lives() -> None:
    first, second = draft_name("number-0123"), draft_name("number-0123")
    assert first != second
    assert first.startswith("number-0123+")
    assert writer_lives(first) is True


def test_writer_of_a_draft_lives_until_its_process_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", f"{PRINT}; input()"], stdin=-1, stdout=-1, text=True) as writer:
        assert writer.stdout is not None
        name = writer.stdout.readline().strip()
        assert writer_lives(name) is True
        writer.kill()
        writer.wait()
        assert writer_lives(name) is False
        assert writer_lives(f"{name}-replaced") is False


def test_writer_whose_number_another_process_has_now_is_dead() -> None:
    name = re.sub(r"-[0-9]+(?=[+][^+]+$)", "-1", draft_name("number-0123"))
    assert f"+{os.getpid()}-1+" in name
    assert writer_lives(name) is False


def test_label_with_a_plus_is_no_hindrance() -> None:
    assert writer_lives(draft_name("rms+kurtosis-0123")) is True


@pytest.mark.parametrize("name", ["number-0123+elsewhere+1-1+ab", "number-0123", "number-0123+elsewhere+x+ab", ".tmp"])
def test_writer_elsewhere_or_unknown_cannot_be_told(name: str) -> None:
    assert writer_lives(name) is None
