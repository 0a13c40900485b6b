"""Files, the environment and the command line."""

import os
import re
import time
from pathlib import Path

import pytest

from grid.config.document import ConfigError, Fault
from grid.config.reading import read_document

pytestmark = pytest.mark.hostile


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults_of(folder: Path, text: str | bytes, *overrides: str, **environment: str) -> list[str]:
    """Return the faults, without the folder's name."""
    try:
        faults = read_document(written(folder, text), overrides, environment).faults
    except ConfigError as error:
        faults = error.faults
    return [f"{fault.place}: {fault.message}".replace(f"{folder}/", "") for fault in faults]


def data_of(folder: Path, text: str, *overrides: str, **environment: str) -> dict:
    document = read_document(written(folder, text), overrides, environment)
    assert document.faults == ()
    return document.data


SCALARS = {
    "5e-5": 5e-5,
    "1e3": 1000.0,
    "-.5": -0.5,
    "1.": 1.0,
    "007": 7,
    "0x1F": 31,
    "0o17": 15,
    "-12": -12,
    "true": True,
    "False": False,
    "on": "on",
    "off": "off",
    "yes": "yes",
    "No": "No",
    "null": None,
    "~": None,
    "": None,
    "2024-01-01": "2024-01-01",
    "12:30:45": "12:30:45",
    "1_000": "1_000",
    "1.2.3": "1.2.3",
    "'5'": "5",
    '"null"': "null",
    "!!str 5": "5",
    "[1, [a, {b: c}]]": (1, ("a", {"b": "c"})),
    "a b  # said": "a b",
    "|\n  two\n  lines": "two\nlines",
}


@pytest.mark.parametrize("text", SCALARS)
def test_read_document_scalar_is_that_of_yaml_1_2(text, tmp_path):
    value = data_of(tmp_path, f"x: {text}")["x"]
    assert (value, type(value)) == (SCALARS[text], type(SCALARS[text]))


def test_read_document_keys_are_strings_as_written(tmp_path):
    assert data_of(tmp_path, "1: a\ntrue: b\n5e-5: c\n'q': d") == {"1": "a", "true": "b", "5e-5": "c", "q": "d"}


def test_read_document_alias_and_merge_key_fill_in_what_is_not_given(tmp_path):
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], x: 9}\nd: *a"
    data = data_of(tmp_path, text)
    assert (data["c"], data["d"]) == ({"x": 9, "y": 2, "z": 4}, {"x": 1, "y": 2})


def test_read_document_places_are_those_of_keys_and_items(tmp_path):
    path = written(tmp_path, "# c\na: &a\n  x: 1\nb: [2, {y: 3}]\nc: *a\nd:\n  <<: *a\n")
    place = read_document(path).place
    assert place(()) == f"{path}:2:1"
    assert place(("a", "x")) == f"{path}:3:3, a.x"
    assert place(("b", 1)) == f"{path}:4:8, b[1]"
    assert place(("b", 1, "y")) == f"{path}:4:9, b[1].y"
    assert place(("c",)) == f"{path}:5:1, c"
    assert place(("d", "x")) == f"{path}:3:3, d.x"
    assert place(("a", "nothing", 3)) == f"{path}:2:1, a"


BROKEN = {
    "empty": ("", "mine.yaml: the file is empty"),
    "comments alone": ("# x\n", "mine.yaml: the file is empty"),
    "a list": ("- 1\n", "mine.yaml:1:1: a config must be a mapping of settings, got the list [1]"),
    "a word": ("grid", "mine.yaml:1:1: a config must be a mapping of settings, got the string 'grid'"),
    "a tab": ("a:\n\tb: 1", "mine.yaml:2:1: not valid YAML: while scanning for the next token, found character"),
    "an open bracket": ("a: [1,\nb: 2\n", "mine.yaml:3:1: not valid YAML: while parsing a flow sequence (from line 1)"),
    "a wrong indent": ("a:\n  b: 1\n c: 2", "mine.yaml:3:2: not valid YAML: while parsing a block mapping"),
    "two documents": ("a: 1\n---\nb: 2", "mine.yaml:2:1: not valid YAML: expected a single document"),
    "an unknown alias": ("a: *x", "mine.yaml:1:4: not valid YAML: found undefined alias 'x'"),
    "a control character": ("a: 1\nb: \x01", "mine.yaml:2:4: character '\\x01' is not allowed in YAML"),
    "latin-1": (b"a: 1\nb: caf\xe9", "mine.yaml:2:7: byte 0xe9 is not UTF-8; save the file as UTF-8"),
    "too deep": ("a: " + "[" * 3000 + "]" * 3000, "mine.yaml: nested too deeply for a config"),
    "a duplicate key": ("a: 1\nb:\n  c: 1\n  c: 2", "mine.yaml:4:3, b.c: duplicate key 'c', first given in line 3"),
    "a tag": ("a: !!python/name:os.system x", "mine.yaml:1:1, a: tag '!!python/name:os.system' is not read"),
    "a list as key": ("[1, 2]: 3", "mine.yaml:1:1: a key must be plain text; quote it if it holds { or ["),
    "a merge of a scalar": ("a:\n  <<: 3", "mine.yaml:2:3, a: << must name a mapping or a list of mappings, got 3"),
    "a circle": ("a: &a\n  b: *a", "mine.yaml:2:3, a.b: an alias stands inside what it stands for"),
    "a long number": ("a: " + "9" * 5000, "mine.yaml:1:1, a: 999"),
    "no finite number": (
        "a:\n  b: .inf",
        "mine.yaml:2:3, a.b: .inf is no number that a setting can have;",
    ),
    "minus infinity": ("a: [1, -.INF]", "mine.yaml:1:8, a[1]: -.INF is no number"),
    "not a number": ("a: .nan", "mine.yaml:1:1, a: .nan is no number"),
    "a number beyond floats": ("a: 1e999", "mine.yaml:1:1, a: 1e999 is no number"),
    "half a character": ('a: "\\ud800"', "mine.yaml:1:1, a: '\\ud800' holds half a character"),
    "bare ${} in brackets": ("a: {b: ${X}}", "mine.yaml:1:9: not valid YAML: while parsing a flow mapping"),
    "an unset variable": ("a:\n  b: x/${HOME_OF_IT}", "mine.yaml:2:3, a.b: environment variable HOME_OF_IT is not set"),
    "no variable's name": ("a: ${1-2}", "mine.yaml:1:1, a: '${1-2}' is neither ${NAME} nor ${NAME:-default}"),
    "an open variable": ("a: ${X", "mine.yaml:1:1, a: '${X' is neither ${NAME} nor ${NAME:-default}"),
    "a variable in a default": ("a: ${X:-${Y}}", "mine.yaml:1:1, a: '${X:-${Y}' is neither"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_read_document_broken_text_gives_one_fault_at_its_place(case, tmp_path):
    text, expected = BROKEN[case]
    (fault,) = faults_of(tmp_path, text)
    assert fault.startswith(expected)


def test_read_document_hints_say_how_to_mend_tabs_and_variables(tmp_path):
    assert faults_of(tmp_path, "a:\n\tb: 1")[0].endswith("; indent with spaces, not tabs")
    assert faults_of(tmp_path, "a: {b: ${X}}")[0].endswith('; between { } or [ ] write "${NAME}" with quotes')


def test_read_document_missing_file_names_those_that_are_there(tmp_path):
    for name in ("grid.yaml", "quickstart.yaml", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as caught:
        read_document(tmp_path / "quikstart.yaml")
    message = f"no such file; configs in {tmp_path}: grid.yaml, quickstart.yaml; did you mean 'quickstart.yaml'?"
    assert str(caught.value) == f"{tmp_path}/quikstart.yaml: {message}"


def test_read_document_folder_is_a_fault(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


@pytest.mark.parametrize("merged", [False, True])
def test_read_document_aliases_of_aliases_end_at_once_with_their_line(tmp_path, merged):
    lines = ["a0: &a0 {x: 1}" if merged else "a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for n in range(9):
        many = ", ".join([f"*a{n}"] * 9)
        lines.append(f"a{n + 1}: &a{n + 1} {{<<: [{many}]}}" if merged else f"a{n + 1}: &a{n + 1} [{many}]")
    began = time.monotonic()
    (fault,) = faults_of(tmp_path, "\n".join(lines))
    assert re.fullmatch(r"mine.yaml:[0-9]+:[0-9]+, .*: aliases stand for more than 10000 values; write .*", fault)
    assert time.monotonic() - began < 5


def test_read_document_some_aliases_are_read(tmp_path):
    assert len(data_of(tmp_path, "a: &a {x: 1}\nb: [" + "*a, " * 4000 + "]")["b"]) == 4000


def test_read_document_file_that_is_too_large_is_not_read(tmp_path):
    (fault,) = faults_of(tmp_path, "a: 1\n" + "#" * 1_000_000)
    assert fault == "mine.yaml: cannot be read: it has 1000005 bytes; a config has at most 1,000,000"


@pytest.mark.parametrize("text", ["x: [" + "1," * 2000 + "1]", "x: 1\n" * 1000, "{" + "a," * 1000 + "a: 1}"])
def test_read_document_of_more_values_than_any_config_ends_at_its_line(tmp_path, text, monkeypatch):
    monkeypatch.setattr("grid.config.reading._MOST_WRITTEN", 1500)
    (fault,) = faults_of(tmp_path, text)
    assert re.match(r"mine\.yaml:\d+:\d+: it has over 1500 values", fault)


def test_read_document_of_400000_values_ends_in_time(tmp_path):
    began = time.process_time()
    (fault,) = faults_of(tmp_path, "x: [" + "1," * 400_000 + "1]")
    assert "it has over 100000 values" in fault
    assert time.process_time() - began < 10


def test_config_error_of_many_faults_and_long_values_stays_short(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n" * 5000)
    document = read_document(file)
    assert len(document.root.faults) == 4999
    error = ConfigError([*document.root.faults, Fault("x", f"got {'y' * 100_000}")])
    assert "5000 faults" in str(error)
    assert "and 4900 more" in str(error)
    assert len(str(error)) < 20_000
    assert len(str(ConfigError([Fault("x", f"got {'y' * 100_000}; allowed: 3")]))) < 2100


@pytest.mark.parametrize("what", ["pipe", "device"])
def test_read_document_what_is_no_file_is_not_read(tmp_path, what):
    path = tmp_path / "fifo" if what == "pipe" else Path("/dev/zero")
    if what == "pipe":
        os.mkfifo(path)
    with pytest.raises(ConfigError, match=f"cannot be read: it is no file but a {what}; save it as one"):
        read_document(path)


def test_read_document_messages_hold_no_long_names(tmp_path):
    name = "n" * 100_000
    (fault,) = faults_of(tmp_path, f"{name}: 1\n{name}: 2")
    assert len(fault) < 500
    assert len(faults_of(tmp_path, f"a: *{name}")[0]) < 500


def test_read_document_byte_order_mark_is_no_text(tmp_path):
    assert read_document(written(tmp_path, b"\xef\xbb\xbfa: 1")).data == {"a": 1}


def test_read_document_variables_are_filled_in(tmp_path):
    text = "a: ${X}/y\nb: '${X}${Y:-z}'\nc: ${N}\nd: '${N}'\ne: ${EMPTY:-5}\nf: ${EMPTY}\ng: ${Z:-}\nh: $X\ni: ['${X}']"
    data = data_of(tmp_path, text, X="/data", N="12", EMPTY="")
    assert data == {
        "a": "/data/y", "b": "/dataz", "c": 12, "d": "12", "e": 5, "f": "", "g": "", "h": "$X", "i": ("/data",),
    }  # fmt: skip


def test_read_document_unset_variable_says_what_to_do(tmp_path):
    (fault,) = faults_of(tmp_path, "data: [{path: '${HIT}'}]")
    assert fault.endswith("HIT is not set; set HIT or give data[0].path=VALUE on the command line")


def test_read_document_unset_variable_is_no_fault_if_overridden(tmp_path):
    assert data_of(tmp_path, "a: {path: '${HIT}', n: 1}", "a.path=/x") == {"a": {"path": "/x", "n": 1}}
    assert data_of(tmp_path, "a: {path: '${HIT}', n: 1}", "a={n: 2}") == {"a": {"n": 2}}


def test_read_document_overrides_set_values_read_as_yaml(tmp_path):
    text = "a: {b: 1, c: [1, {d: 2}]}\nn:\n"
    overrides = ["a.b=[1,2]", "a.c[0]=5e-5", "a.c[1].d=null", "e.f.g=yes", "n.x=p=q", "h=", "i=${V}", "a.k-1={x: ''}"]
    assert data_of(tmp_path, text, *overrides, V="7") == {
        "a": {"b": (1, 2), "c": (5e-5, {"d": None}), "k-1": {"x": ""}},
        "n": {"x": "p=q"},
        "e": {"f": {"g": "yes"}},
        "h": None,
        "i": 7,
    }


def test_read_document_last_of_two_overrides_holds(tmp_path):
    assert data_of(tmp_path, "a: 1", "a=2", "a=3") == {"a": 3}


FAULTY_OVERRIDES = {
    "foo": "not KEY=VALUE, with a KEY like finetune.num_steps or axes.classifier[1]",
    "=1": "not KEY=VALUE",
    "a..b=1": "not KEY=VALUE",
    "a.c[x]=1": "not KEY=VALUE",
    "a.b.x=1": "a.b is 1, which holds no x",
    "a.b[0]=1": "a.b is 1, which holds no [0]",
    "a[0]=1": "a is the mapping {b: 1, c: ['p', 'q']}, which holds no [0]",
    "a.c[2]=1": "a.c is a list of 2 ([0] is its first item), which holds no [2]",
    "a.c.first=1": "a.c is a list of 2 ([0] is its first item), which holds no first",
    "a.b=[1": "not valid YAML: while parsing a flow sequence",
    "a.b=${GONE}": "environment variable GONE is not set; set GONE or give a.b=VALUE on the command line",
    "a={b: 1, b: 2}": "duplicate key 'b'",
}


@pytest.mark.parametrize("override", FAULTY_OVERRIDES)
def test_read_document_faulty_override_is_one_fault_of_the_command_line(override, tmp_path):
    (fault,) = faults_of(tmp_path, "a: {b: 1, c: [p, q]}", override)
    assert fault.startswith(f"command line, {override}: {FAULTY_OVERRIDES[override]}")


def test_read_document_all_faults_wait_for_the_check(tmp_path):
    found = faults_of(tmp_path, "a: 1\na: 2\nb: ${GONE}\nc: !x y", "foo", "a.x=1")
    assert len(found) == 5
