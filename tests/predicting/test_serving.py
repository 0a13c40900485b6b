"""What becomes of a request before a model sees it."""

import gzip
import io
import json
import re
import socket
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import soundfile

from motor.predicting.access import BadRequest, Settings, TokenError, check_free, check_token, settings_of
from motor.predicting.faults import Fault
from motor.predicting.inputs import InputOptions
from motor.predicting.serving import Body, check_encoding, query_of, recordings_of
from motor.recordings.readers.base import Reader, Source
from motor.recordings.recording import Recording
from motor.registry import using

pytestmark = pytest.mark.hostile

OPTIONS = InputOptions(("sound", "vibration"), sampling_rate_hz=2000.0)
SIGNAL = np.random.default_rng(0).normal(0, 0.1, 300).astype(np.float32)


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, SIGNAL, 2000, format="WAV", subtype="FLOAT")
    return file.getvalue()


def npy(array: Any = SIGNAL, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def multipart(*files: tuple[str, bytes]) -> tuple[str, bytes]:
    parts = [
        f'--XX\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content + b"\r\n"
        for name, content in files
    ]
    return "multipart/form-data; boundary=XX", b"".join(parts) + b"--XX--\r\n"


def asked(kind: str, content: bytes, settings: Settings | None = None, **query: str) -> list[Any]:
    return list(recordings_of(Body(kind, content, query), OPTIONS, settings or Settings()))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("audio/wav", wav()),
        ("audio/x-wav; charset=binary", wav()),
        ("application/octet-stream", wav()),
        ("", npy()),
        ("application/x-npy", npy()),
        ("text/csv", "\n".join(["x", *map(str, SIGNAL.tolist())]).encode()),
    ],
)
def test_serving_file_as_the_body_is_a_recording(kind: str, content: bytes) -> None:
    (found,) = asked(kind, content, domain="sound", item="M01")
    assert isinstance(found, Recording), found
    np.testing.assert_array_equal(found.signal, SIGNAL)
    assert (found.domain, found.sampling_rate_hz, found.item.partition(".")[0]) == ("sound", 2000.0, "M01")


COMMAS = "Prüfstand 7\r\nx\r\n" + "".join(f"{value:.6f}\r\n".replace(".", ",") for value in SIGNAL.tolist())


@pytest.mark.parametrize("decimal", [",", None])
def test_serving_query_tells_how_a_table_is_written(decimal: str | None) -> None:
    told = {"decimal": decimal, "delimiter": ";"} if decimal else {}
    (found,) = asked("text/csv", COMMAS.encode(), domain="sound", skip_rows="1", **told)
    if decimal is None:
        assert isinstance(found, Fault)
        assert "decimal" in found.reason
        return
    assert isinstance(found, Recording), found
    np.testing.assert_array_equal(found.signal, np.round(SIGNAL.astype(np.float64), 6).astype(np.float32))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"decimal": "x"}, "decimal is 'x'; allowed: '.', ','"),
        ({"delimiter": "#"}, "delimiter is '#'; allowed"),
        ({"delimiter": ",", "decimal": ","}, "delimiter and decimal are both"),
        ({"skip_rows": "-1"}, "skip_rows is '-1'"),
        ({"skip_rows": "two"}, "give a whole number"),
        ({"skip_rows": "9" * 200}, "0 to 100000"),
    ],
)
def test_serving_query_that_no_table_is_written_as_is_a_bad_request(query: dict[str, str], words: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(words)) as raised:
        asked("text/csv", COMMAS.encode(), domain="sound", **query)
    assert raised.value.status == 400


@pytest.mark.parametrize("name", ["variable", "delimiter", "decimal", "skip_rows"])
def test_serving_query_about_files_beside_json_is_a_bad_request(name: str) -> None:
    content = json.dumps({"signal": SIGNAL.tolist(), "domain": "sound"}).encode()
    with pytest.raises(BadRequest, match=f"the query tells {name}"):
        asked("application/json", content, **{name: "1" if name == "skip_rows" else ";" if name != "decimal" else ","})


def test_serving_multipart_each_part_is_a_recording_under_its_name() -> None:
    found = asked(*multipart(("a.wav", wav()), ("b.npy", npy())), domain="vibration")
    assert [one.item for one in found] == ["a.wav", "b.npy"]
    for one in found:
        np.testing.assert_array_equal(one.signal, SIGNAL)


def test_serving_multipart_name_cannot_leave_its_folder(tmp_path: Path) -> None:
    (found,) = asked(*multipart(("../../../etc/x.wav", wav())), domain="sound")
    assert found.item == "x.wav"


def test_serving_json_one_and_several() -> None:
    one = {"signal": SIGNAL.tolist(), "domain": "sound", "sampling_rate_hz": 1000}
    (alone,) = asked("application/json", json.dumps(one).encode())
    np.testing.assert_array_equal(alone.signal, SIGNAL)
    several = {"recordings": [{**one, "item": "a", "motor": 3, "moment": "09:00"}, {**one, "signal": [1, "x"]}]}
    good, bad = asked("application/json", json.dumps(several).encode())
    assert (good.item, good.motor, good.moment) == ("a", "3", "09:00")
    assert isinstance(bad, Fault)
    assert "list of numbers" in bad.reason


@pytest.mark.parametrize(
    ("kind", "content", "status", "words"),
    [
        ("audio/wav", b"", 400, "the body is empty"),
        ("application/json", b"{", 400, "no JSON"),
        ("application/json", b"[" * 100_000, 400, "no JSON"),
        ("application/json", b"3", 400, "has to be one recording"),
        ("application/json", b'{"recordings": []}', 400, "no recording in the body"),
        ("image/png", b"\x89PNG", 415, "'image/png'"),
        ("", b"hello", 415, "is not read"),
        ("application/x-python-pickle", b"\x80\x04", 415, "is not read"),
        ("multipart/form-data", b"x", 400, "without a boundary"),
        ("multipart/form-data; boundary=XX", b"nothing", 400, "no part"),
        ("multipart/form-data; boundary=XX", b"--XX\r\nno head\r\n--XX--", 400, "no head"),
        ("multipart/form-data; boundary=XX", b"--XX\r\nno head--XX--", 400, "cut off"),
    ],
)
def test_serving_body_that_cannot_be_read_refused(kind: str, content: bytes, status: int, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        asked(kind, content, domain="sound")
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"rate": "3"}, "unknown query parameter 'rate'"),
        ({"domain": "sonar"}, "unknown domain 'sonar'"),
        ({"sampling_rate_hz": "fast"}, "sampling_rate_hz 'fast'"),
        ({"pattern": "(a+)+$"}, "unknown query parameter 'pattern'"),
    ],
)
def test_serving_query_at_fault_refused(query: dict[str, str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        asked("audio/wav", wav(), **query)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("audio/wav", wav()[:200], "cut off"),
        ("application/x-npy", npy(np.array([{}], dtype=object), allow_pickle=True), "Object arrays cannot be loaded"),
        ("application/x-npy", npy()[:40], "cannot be read"),
        ("application/x-npy", npy(np.array([1.0, np.inf])), "sample 1 is inf"),
        ("application/x-npy", npy(np.zeros((3, 4))), "shape .3, 4."),
        ("text/csv", b"x\n1\ntwo\n", "line 3"),
        ("text/csv", b"\xff\xfe\x00", "cannot be read|UTF-8"),
        ("application/json", b'{"signal": [NaN, 1], "domain": "sound"}', "sample 0 is nan"),
        ("application/json", b'{"signal": "abc"}', "list of numbers"),
        ("application/json", b'{"signal": [1, 2], "domain": 7}', "unknown domain 7"),
        ("application/json", b'{"signal": [1, 2], "domain": "sound", "sampling_rate_hz": -1}', "above 0"),
        ("application/json", b'{"signal": [1, 1e999], "domain": "sound"}', "inf"),
        ("application/json", b'{"signal": [1, 2], "wav": 1}', "unknown key 'wav'"),
        ("application/json", b'{"signal": [1, 2], "domain": "sound", "speed_rpm": "x"}', "speed_rpm 'x'"),
    ],
)
def test_serving_recording_at_fault_told_without_the_path_of_its_copy(kind: str, content: bytes, words: str) -> None:
    query = {} if kind == "application/json" else {"domain": "sound"}
    (found,) = asked(kind, content, **query)
    assert isinstance(found, Fault), found
    assert re.search(words, found.reason), found.reason
    assert "motor-grid-" not in found.reason


def in_json(**values: Any) -> bytes:
    return json.dumps({"signal": [0.1, -0.2], "domain": "sound", **values}).encode()


@pytest.mark.parametrize(
    ("told", "asked_for"),
    [("sound", {"domain": "vibration"}), (2000, {"sampling_rate_hz": "4000"}), (900.0, {"speed_rpm": "1500"})],
)
def test_serving_json_that_contradicts_the_query_is_told_with_both(told: Any, asked_for: dict[str, str]) -> None:
    ((name, other),) = asked_for.items()
    (fault,) = asked("application/json", in_json(**{name: told}), **asked_for)
    assert re.search(f"{name} is {told!r} by the JSON, and .*{other}.* by the query", fault.reason), fault.reason
    (same,) = asked("application/json", in_json(**{name: told}), **{name: str(told)})
    assert isinstance(same, Recording)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"signal": [1, 2], "signal": [3, 4], "domain": "sound"}', "'signal' twice"),
        (b'{"signal": [1, 2], "domain": "sound", "domain": "vibration"}', "'domain' twice"),
        (b'{"recordings": [{"signal": [1, 2], "domain": "sound"}], "sampling_rate_hz": 9}', "beside 'recordings'"),
        (in_json(item={"a": 1}), "item is {'a': 1}; give a text or a number"),
        (in_json(motor=[1]), "motor is"),
        (in_json(moment=True), "moment is True"),
        (in_json(item="x" * 1_000_000), "longer than 255 bytes"),
        (in_json(motor="\u9707" * 90), "longer than 255 bytes"),
        (in_json(moment="a\x1b[31m"), "no character to be read"),
        (in_json(item="a\0"), "no character to be read"),
    ],
)
def test_serving_json_that_tells_two_things_or_no_name_refused(content: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(words)) as caught:
        asked("application/json", content)
    assert caught.value.status == 400
    assert len(caught.value.reason) < 300


def said_of(content: bytes) -> str:
    """Return the refusal of a JSON body, or the fault of its recording."""
    try:
        (found,) = asked("application/json", content)
    except BadRequest as error:
        return f"{error.status} {error.reason}"
    return found.reason if isinstance(found, Fault) else ""


VALUES: dict[str, Any] = {
    "text": "x" * 1_000_000,
    "list": [[1, 2]] * 100_000,
    "deep": json.loads("[" * 900 + "]" * 900),
    "object": {"a": "b" * 1000},
    "whole": 10**400,
    "truth": True,
    "nan": float("nan"),
}


@pytest.mark.parametrize("field", ["item", "motor", "moment", "domain", "sampling_rate_hz", "speed_rpm", "signal", "x"])
@pytest.mark.parametrize("value", VALUES)
def test_serving_json_value_of_any_kind_is_refused_in_few_words(field: str, value: str) -> None:
    said = said_of(in_json(**{field: VALUES[value]}))
    is_name = field in ("item", "motor", "moment") and value == "nan"
    assert is_name or field in said
    assert len(said) < 300


@pytest.mark.parametrize("rate_hz", [1e-300, 2.0, 1e300, "2000", True])
def test_serving_json_rate_that_no_recorder_has_is_a_fault(rate_hz: Any) -> None:
    (found,) = asked("application/json", in_json(sampling_rate_hz=rate_hz))
    assert isinstance(found, Fault)
    assert "sampling" in found.reason


def test_serving_json_whose_rate_is_null_takes_that_of_the_training() -> None:
    (found,) = asked("application/json", in_json(sampling_rate_hz=None))
    assert found.sampling_rate_hz == 2000.0


TABLE = "\n".join(["x", *map(str, SIGNAL.tolist())]).encode()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (multipart(("a.csv", TABLE))[1][:700], 400, "cut off"),
        (multipart(("a.csv", TABLE))[1].removesuffix(b"--XX--\r\n"), 400, "cut off"),
        (multipart(("a.csv", TABLE[:300] + b"\r\n--XXY\r\n" + TABLE[300:]))[1], 400, "stands within a file"),
        (multipart(("a.csv", TABLE))[1].replace(b"\r\n", b"\n"), 400, "cut off"),
        (b"--XX\r\n" + b"Content-Type: text/csv\r\n" * 1000 + b"\r\n1\r\n2\r\n--XX--", 400, "no head"),
        (multipart(("a\0.wav", wav()))[1], 400, "no character"),
        *(
            (multipart((f'a.csv"\r\nContent-Transfer-Encoding: {how}\r\nX: "', TABLE))[1], 415, f"encoded as '{how}'")
            for how in ("base64", "quoted-printable", "x-gzip")
        ),
        (multipart(*[("a.wav", b"")] * 100_000)[1], 413, "allowed: 64"),
    ],
)
def test_serving_multipart_that_is_not_whole_or_not_plain_refused_at_once(body: bytes, status: int, words: str) -> None:
    began = time.process_time()
    with pytest.raises(BadRequest, match=words) as caught:
        asked("multipart/form-data; boundary=XX", body, domain="sound")
    assert caught.value.status == status
    assert time.process_time() - began < 1


def test_serving_multipart_with_a_foreword_and_blanks_behind_its_boundary_is_read() -> None:
    kind, body = multipart(("a.csv", TABLE))
    body = b"read me\r\n" + body.replace(b"--XX\r\n", b"--XX \t\r\n") + b"afterword"
    (found,) = asked(kind, body, domain="sound")
    np.testing.assert_array_equal(found.signal, SIGNAL)


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=" + "x" * 100_000, "text/csv" + ";a=b" * 100_000])
def test_serving_content_type_that_is_too_long_refused_unread(kind: str) -> None:
    with pytest.raises(BadRequest, match="the content type has"):
        asked(kind, TABLE)


@pytest.mark.parametrize("name", ["variable", "domain", "item", "sampling_rate_hz"])
@pytest.mark.parametrize("value", ["x" * 1_000_000, "a\0", "a\nb", "\u202eabc"])
def test_serving_query_value_that_no_name_can_be_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=r"longer than|no character") as caught:
        asked("text/csv", TABLE, **{"domain": "sound", name: value})
    assert len(caught.value.reason) < 300


def test_serving_query_that_tells_twice_and_packed_bodies_refused() -> None:
    assert query_of([("domain", "sound"), ("item", "a")]) == {"domain": "sound", "item": "a"}
    with pytest.raises(BadRequest, match="'domain' comes twice"):
        query_of([("domain", "sound"), ("domain", "vibration")])
    check_encoding(None)
    check_encoding("Identity")
    for encoding in ("gzip", "br", "identity, deflate"):
        with pytest.raises(BadRequest, match="packed as") as caught:
            check_encoding(encoding)
        assert caught.value.status == 415


def stereo() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.stack([SIGNAL, SIGNAL], axis=1), 2000, format="WAV", subtype="FLOAT")
    return file.getvalue()


LONG = "\n".join(["item_id,target", *(f"a,{x}" for x in SIGNAL.tolist()), *(f"b,{x}" for x in SIGNAL.tolist())])
DOMAIN = {"domain": "sound"}
# Bodies as clients send them: type, content, query, and what is said of them ("": the signal is read).
BODIES: dict[str, tuple[str, bytes, dict[str, str], str]] = {
    "wav, codecs": ("audio/x-wav; codecs=1", wav(), DOMAIN, ""),
    "wav, no type": ("", wav(), DOMAIN, ""),
    "wav, vnd": ("audio/vnd.wave", wav(), DOMAIN, ""),
    "wav, another rate asked for": ("audio/wav", wav(), {**DOMAIN, "sampling_rate_hz": "4000"}, "4000|4e"),
    "wav, domain in another case": ("audio/wav", wav(), {"domain": "Sound"}, "unknown domain 'Sound'"),
    "wav, no domain": ("audio/wav", wav(), {}, "nothing tells the domain"),
    "wav, packed": ("audio/wav", gzip.compress(wav()), DOMAIN, "it begins with"),
    "wav, head of another": ("audio/wav", wav().replace(b"RIFF", b"RF64", 1), DOMAIN, "recording"),
    "two channels": ("audio/wav", stereo(), DOMAIN, "2 channels"),
    "npy, rate with a comma": ("application/x-npy", npy(), {**DOMAIN, "sampling_rate_hz": "2,000"}, "commas"),
    "csv, utf-16": ("text/csv; charset=utf-16", TABLE.decode().encode("utf-16"), DOMAIN, ""),
    "csv, latin-1": ("text/csv", "m/s\u00b2\n0.1\n0.2\n".encode("latin-1"), DOMAIN, "no CSV table in UTF-8"),
    "csv, decimal commas": ("text/csv", b"t;a\n0,1;0,5\n0,2;0,7\n0,3;0,9\n", DOMAIN, "line 2"),
    "csv, one number": ("text/csv", b"0.5\n", DOMAIN, "1 sample"),
    "csv, blank": ("text/csv", b"\n\n\n", DOMAIN, "no sample"),
    "csv, plain text": ("text/plain", TABLE, DOMAIN, "not read"),
    "csv, a spreadsheet's": ("application/vnd.ms-excel", TABLE, DOMAIN, "not read"),
    "json, byte order mark": ("application/json", b"\xef\xbb\xbf" + in_json(signal=SIGNAL.tolist()), {}, ""),
    "json, utf-16": ("application/json", in_json(signal=SIGNAL.tolist()).decode().encode("utf-16"), {}, ""),
    "json, rate as text": ("application/json", in_json(sampling_rate_hz="2000"), {}, "'2000'"),
    "json, an offset": ("application/json", in_json(signal=(1e9 + SIGNAL.astype(float)).tolist()), {}, ""),
    "json, a list": ("application/json", b"[1, 2, 3]", {}, "one recording"),
    "a name from Windows": (*multipart(("C:\\\\data\\\\a.wav", wav())), DOMAIN, ""),
    "a boundary in quotes": (
        'multipart/form-data; boundary="a b"',
        multipart(("a.wav", wav()))[1].replace(b"--XX", b"--a b"),
        DOMAIN,
        "",
    ),
    "a boundary of another": ("multipart/form-data; boundary=YY", multipart(("a.wav", wav()))[1], DOMAIN, "no part"),
    "a field of a form": (*multipart(("domain", b"sound")), DOMAIN, "not read"),
}


@pytest.mark.parametrize("name", BODIES)
def test_serving_body_as_clients_send_it(name: str) -> None:
    kind, content, query, words = BODIES[name]
    try:
        (found,) = asked(kind, content, **query)
    except BadRequest as error:
        found = Fault("", error.reason)
    if words:
        assert isinstance(found, Fault)
        assert re.search(words, found.reason), found.reason
        return
    assert isinstance(found, Recording), found
    true = SIGNAL - SIGNAL.mean() if name == "json, an offset" else SIGNAL
    np.testing.assert_allclose(found.signal - (found.signal.mean() if "offset" in name else 0), true, atol=2e-7)
    assert (found.domain, found.sampling_rate_hz) == ("sound", 2000.0)


def test_serving_long_table_is_two_recordings() -> None:
    found = asked("text/csv", LONG.encode(), domain="sound")
    assert [one.item for one in found] == ["a", "b"]
    for one in found:
        np.testing.assert_array_equal(one.signal, SIGNAL)


def test_serving_digits_of_other_alphabets_and_no_name_at_all() -> None:
    with pytest.raises(BadRequest, match="sampling_rate_hz"):
        asked("application/x-npy", npy(), domain="sound", sampling_rate_hz="\u0661\u0662")
    (found,) = asked("application/x-npy", npy(), domain="sound", item="")
    assert found.item == "recording.npy"


def test_serving_more_recordings_than_allowed_refused() -> None:
    with pytest.raises(BadRequest, match="3 recordings in one request; allowed: 2") as caught:
        asked(*multipart(*[("a.wav", wav())] * 3), Settings(most_recordings=2), domain="sound")
    assert caught.value.status == 413


def test_serving_token_is_asked_for_and_compared() -> None:
    settings = settings_of(_arguments(token_file=None), {"MOTOR_GRID_TOKEN": "secret\n"})
    check_token("Bearer secret", settings)
    check_token("bearer  secret ", settings)
    for wrong in (None, "", "secret", "Bearer", "Bearer secre", "Basic secret", "Bearer sécret"):
        with pytest.raises(BadRequest, match="needs a token"):
            check_token(wrong, settings)
    assert "secret" not in repr(settings)


def test_serving_token_file_comes_first_and_must_hold_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("other\n")
    settings = settings_of(_arguments(token_file=file), {"MOTOR_GRID_TOKEN": "secret"})
    check_token("Bearer other", settings)
    file.write_text("\n")
    with pytest.raises(TokenError, match="is empty"):
        settings_of(_arguments(token_file=file), {})
    with pytest.raises(TokenError, match="No such file"):
        settings_of(_arguments(token_file=tmp_path / "gone"), {})


@pytest.mark.parametrize(
    ("host", "token", "is_open"),
    [
        ("127.0.0.1", None, False),
        ("localhost", None, False),
        ("::1", None, False),
        ("0.0.0.0", None, True),
        ("0.0.0.0", "digest", False),
        ("example.org", None, True),
    ],
)
def test_serving_address_that_others_reach_without_a_token_is_open(host: str, token: str | None, is_open: bool) -> None:
    assert Settings(host=host, token_digest=token).is_open is is_open


def _arguments(token_file: Path | None) -> Namespace:
    values = {"host": "127.0.0.1", "port": 1, "replicas": 1, "threads": 1, "gpus": 0.0}
    return Namespace(**values, largest_mb=1.0, most_recordings=2, token_file=token_file)


@pytest.mark.parametrize("kind", ["text/csv", "multipart"])
def test_serving_body_that_names_a_file_reads_no_file_of_the_server(tmp_path: Path, kind: str) -> None:
    (tmp_path / "accounts.csv").write_text("password\nhunter2\n")
    np.save(tmp_path / "signal.npy", SIGNAL)
    for name in ("accounts.csv", "signal.npy", "nothing.npy"):
        table = f"file,domain\n{tmp_path / name},vibration\n".encode()
        body = multipart(("new.csv", table)) if kind == "multipart" else (kind, table)
        (found,) = asked(*body, domain="vibration")
        assert isinstance(found, Fault)
        assert "is not read out of a request" in found.reason
        assert "hunter2" not in found.reason
        assert str(tmp_path) not in found.reason


def test_serving_domain_that_is_asked_for_is_judged_whatever_the_copy_is_called() -> None:
    for domains in (("0", "1"), ("tmp", "1")):
        options = InputOptions(domains, sampling_rate_hz=2000.0)
        (found,) = recordings_of(Body("audio/wav", wav(), {"domain": "1"}), options, Settings())
        assert found.domain == "1"
        (fault,) = recordings_of(Body("audio/wav", wav(), {}), options, Settings())
        assert isinstance(fault, Fault)  # the folder of its copy tells no domain


@pytest.mark.parametrize(
    ("kind", "content", "query"),
    [
        ("application/json", b'{"signal": [0.1, 0.2], "item": "\\ud800", "domain": "sound"}', {}),
        ("application/json", b'{"signal": [0.1, 0.2], "motor": "\\udfff", "domain": "sound"}', {}),
        (*multipart(("x" * 300 + ".wav", wav())), {}),
        (*multipart(("\u9707" * 90 + ".wav", wav())), {}),
        ("audio/wav", wav(), {"item": "x" * 3000}),
    ],
)
def test_serving_name_that_no_answer_or_file_can_hold_refused(kind: str, content: bytes, query: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(kind, content, domain="sound", **query)
    assert caught.value.status == 400
    assert len(caught.value.reason) < 300


def test_taken_port_and_none_at_all_are_one_line_before_anything_is_loaded() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"nothing can listen on 127\.0\.0\.1:{port}: .*; choose another --port"):
            check_free(Settings(port=port))
    check_free(Settings(port=port))
    with pytest.raises(OSError, match=r"nothing can listen on 127\.0\.0\.1:99999: ports are numbered up to 65535"):
        check_free(Settings(port=99999))


def test_file_of_the_trainings_own_reader_may_be_sent_and_no_other() -> None:
    class Vendor(Reader):
        """A reader of a format of its own."""

        kind: Literal["vendor"] = "vendor"
        opens: ClassVar[tuple[str, ...]] = (".vnd",)

        def sources(self) -> Iterator[Source]:
            signal = np.frombuffer(Path(self.path).read_bytes(), dtype="<f4")
            yield Source(self.path, self.path, lambda: (signal, 2000.0))

    options = InputOptions(("sound",), {"kind": "vendor", "classes": ("normal",), "domains": ("sound",)})
    with using((Vendor,)):
        ((found,),) = [list(recordings_of(Body(*multipart(("a.vnd", SIGNAL.tobytes())), {}), options, Settings()))]
        np.testing.assert_array_equal(found.signal, SIGNAL)
        with pytest.raises(BadRequest, match=r"'a\.exe' is not read; send .*; or a file whose name ends in \.vnd"):
            list(recordings_of(Body(*multipart(("a.exe", b"x"))[:2], {}), options, Settings()))


def test_serving_json_sample_beyond_all_floats_is_a_fault_that_says_so() -> None:
    content = b'{"signal": [1, ' + b"9" * 400 + b'], "sampling_rate_hz": 2000, "domain": "sound"}'
    (found,) = asked("application/json", content)
    assert isinstance(found, Fault)
    assert "a sample is a whole number beyond all floats" in found.reason
