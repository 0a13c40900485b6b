"""`compare`: which reports words mean, and the folder that comes of them."""

import json

import numpy as np
import pytest

from motor.commands import line
from motor.commands.compare import reports_in

RECIPE = {"name": "method orders", "axes": {"method": "orders"}, "is_joint": False, "family": "plain", "score": 0.5}
RECIPE |= {"interval": [0.4, 0.6], "behind": None, "seconds": 1.0, "backbone": None}
SUMMARY = {"name": "g", "recipes": [RECIPE], "metric": {"kind": "macro_f1", "better": "higher"}, "domains": ["a"]}
SUMMARY |= {"n_motors": 9, "verdict": None, "classes": ["x"], "normal": "x", "digests": {"data": "d"}}


@pytest.fixture
def storage(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / "store" / "results" / name
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps({**SUMMARY, "name": name}), encoding="utf-8")
    return tmp_path / "store"


def test_words_mean_storages_results_and_configs(storage, tmp_path):
    config = tmp_path / "two.yaml"
    config.write_text("seed: 1\n", encoding="utf-8")
    named = [[str(storage)], [str(storage / "results" / "one")], [str(config)]]
    found = [[(report.where, report.name) for report in reports_in(words, str(storage))] for words in named]
    assert found == [[("store", "one"), ("store", "two")], [("store", "one")], [("store", "two")]]


@pytest.mark.parametrize(
    ("word", "message"), [("nowhere", "neither a storage"), ("empty", "no report"), ("broken", "is damaged")]
)
def test_word_without_a_report_says_what_it_has(storage, tmp_path, word, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        reports_in([str(tmp_path / word)], str(storage))


def test_arrays_of_another_launch_are_not_used(storage):
    np.savez(storage / "results" / "one" / "ranking.npz", values=np.zeros((3, 7)))
    assert reports_in([str(storage / "results" / "one")], "")[0].kept is None


def test_compare_writes_page_rows_and_schema(storage, tmp_path, capsys):
    assert line.main(["compare", str(storage), "--to", str(tmp_path / "page"), "--language", "zh"]) == 0
    rows = json.loads((tmp_path / "page" / "rows.json").read_text(encoding="utf-8"))
    assert [row["grid"] for row in rows] == ["one", "two"]
    assert {path.name for path in (tmp_path / "page").iterdir()} == {"index.html", "rows.json", "row.schema.json"}
    assert "2 reports" in capsys.readouterr().out


@pytest.fixture
def bucket(storage, tmp_path, monkeypatch):
    """The storage in a bucket of a real server, which holds nothing else."""
    np.savez(storage / "results" / "two" / "ranking.npz", values=np.ones((3, 1)))
    server = pytest.importorskip("moto.server", reason="moto[server] brings the S3 server: pip install -e '.[dev]'")
    boto3 = pytest.importorskip("boto3", reason="S3 needs boto3: pip install -e '.[s3]'")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    address = "http://{}:{}".format(*running.get_host_and_port())
    for name, value in {**keys, "AWS_ENDPOINT_URL_S3": address, "MOTOR_GRID_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="motors")
    for file in (path for path in storage.rglob("*") if path.is_file()):
        client.upload_file(str(file), "motors", f"others/{file.relative_to(storage)}")
    yield "s3://motors/others"
    running.stop()


def test_compare_joins_a_bucket_and_a_folder(bucket, storage, tmp_path):
    assert line.main(["compare", bucket, str(storage), "--to", str(tmp_path / "page")]) == 0
    rows = json.loads((tmp_path / "page" / "rows.json").read_text(encoding="utf-8"))
    assert [(row["store"], row["grid"], row["score"]) for row in rows] == [
        (where, grid, 0.5) for where in (bucket, "store") for grid in ("one", "two")
    ]


def test_arrays_of_a_report_in_a_bucket_are_read(bucket):
    one, two = reports_in([bucket], "")
    assert one.kept is None
    assert two.kept is not None
    np.testing.assert_array_equal(two.kept["values"], np.ones((3, 1)))


def test_compare_of_a_bucket_without_reports_says_so(bucket):
    with pytest.raises(ValueError, match="no report"):
        reports_in([f"{bucket}/nothing"], "")
