"""Objects of a bucket, against a real server."""

import os
import pickle
import sys
import threading
import wsgiref.simple_server
from collections.abc import Iterator

import pytest

from grid.store import s3
from grid.store.s3 import Bucket, BucketError, check_conditions


def test_bucket_location_without_prefix_is_the_whole_bucket():
    assert Bucket.at("s3://motors") == Bucket("motors", "")
    assert Bucket.at("s3://motors/a//b/") == Bucket("motors", "a/b/")
    assert Bucket.at("s3://motors/a//b/").location == "s3://motors/a/b"


@pytest.mark.parametrize("location", ["s3://", "s3:///prefix", "/folder"])
def test_bucket_location_without_bucket_says_how_it_is_written(location):
    with pytest.raises(BucketError, match="it is written s3://bucket or s3://bucket/prefix"):
        Bucket.at(location)


def test_bucket_text_comes_back(bucket):
    bucket.write("logs/Motor Nr 7 声音.log", "läuft\n")
    assert bucket.read("logs/Motor Nr 7 声音.log") == "läuft\n"
    assert bucket.read("logs/other.log") is None


def test_bucket_lists_objects_and_folders_without_the_prefix(bucket):
    for name in ("kind/a/x", "kind/a/y", "kind/b/x", "kind/file", "kinder/c/x"):
        bucket.write(name, name)
    assert bucket.names("kind") == ["a", "b", "file"]
    assert {name: listed.bytes for name, listed in bucket.listed("kind/a/").items()} == {"kind/a/x": 8, "kind/a/y": 8}


def test_bucket_lists_more_than_a_page(bucket, monkeypatch):
    for number in range(5):
        bucket.write(f"many/{number}", "")
    pages = bucket._client.get_paginator("list_objects_v2").paginate
    options = {"Bucket": bucket.name, "Prefix": "motors/many/", "PaginationConfig": {"PageSize": 2}}
    monkeypatch.setattr(Bucket, "_pages", lambda self, under: pages(**options))
    assert len(bucket.listed("many/")) == 5


def test_bucket_deletes_what_is_there_and_not_there(bucket):
    bucket.write("a", "")
    bucket.delete(["a", "b"])
    bucket.delete([])
    assert not bucket.listed()


def test_bucket_file_of_many_pieces_comes_back(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(s3, "PIECE_BYTES", 5 << 20)
    content = os.urandom(12 << 20)
    (tmp_path / "weights").write_bytes(content)
    bucket.put_file("weights", tmp_path / "weights", {"sha256": "known"})
    assert bucket.listed("weights")["weights"].etag.endswith("-3")
    assert bucket.get_file("weights", tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy").read_bytes() == content
    assert bucket.metadata("weights") == {"sha256": "known"}


def test_bucket_file_that_is_not_there_leaves_no_file(bucket, tmp_path):
    assert not bucket.get_file("none", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_bucket_pickles(bucket):
    bucket.write("a", "1")
    assert pickle.loads(pickle.dumps(bucket)).read("a") == "1"


def test_create_text_is_done_once(bucket):
    assert bucket.create("lease", "first")
    assert not bucket.create("lease", "second")
    assert bucket.read("lease") == "first"


def test_create_text_whose_answer_was_lost_knows_its_own(bucket, monkeypatch):
    """Boto3 writes again after a lost answer, and is told that the object stands."""
    put = bucket._client.put_object

    def twice(**given):
        put(**given)
        return put(**given)

    monkeypatch.setattr(bucket._client, "put_object", twice)
    assert bucket.create("lease", "mine")


def test_server_with_conditions_is_accepted_and_left_clean(bucket):
    check_conditions(bucket)
    assert not bucket.listed()


def test_server_without_conditions_is_refused(bucket, monkeypatch):
    put = bucket._client.put_object
    monkeypatch.setattr(bucket._client, "put_object", lambda IfNoneMatch=None, **given: put(**given))
    with pytest.raises(BucketError, match="ignores `If-None-Match: \\*`"):
        check_conditions(bucket)
    assert not bucket.listed()


def test_bucket_that_does_not_exist_is_named_with_what_to_do(s3):
    with pytest.raises(BucketError, match=r"s3://no-such-bucket/a/record.json: there is no such bucket: create it"):
        Bucket.at("s3://no-such-bucket/a").read("record.json")


def test_endpoint_that_does_not_answer_is_named(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BucketError, match=r"nothing answers at http://127.0.0.1:9: .* AWS_ENDPOINT_URL_S3"):
        Bucket.at("s3://motors").listed()


def test_credentials_that_are_missing_are_said(s3, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(BucketError, match="no credentials: set AWS_ACCESS_KEY_ID"):
        Bucket.at("s3://motors").write("a", "")


def test_boto3_that_is_missing_is_said(s3, monkeypatch):
    monkeypatch.setitem(sys.modules, "boto3.exceptions", None)
    with pytest.raises(BucketError, match=r"pip install -c constraints\.txt -e '\.\[s3\]'"):
        Bucket.at("s3://motors").listed()


@pytest.fixture(scope="module")
def refusing() -> Iterator[wsgiref.simple_server.WSGIServer]:
    """A server that answers every request with the error that is its `refusal`: a code and a status."""

    def answer(environ, start):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        code, status = server.refusal
        start(status, [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()]

    class Quiet(wsgiref.simple_server.WSGIRequestHandler):
        def log_message(self, *_):
            pass

    with wsgiref.simple_server.make_server("127.0.0.1", 0, answer, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDenied", "403 Forbidden", "the credentials need s3:ListBucket"),
        ("SignatureDoesNotMatch", "403 Forbidden", "correct AWS_SECRET_ACCESS_KEY"),
        ("AuthorizationHeaderMalformed", "400 Bad Request", "set AWS_DEFAULT_REGION"),
        ("Unheard", "418 Teapot", "look at AWS_ENDPOINT_URL_S3"),
    ],
)
def test_refusal_says_what_to_do(s3, refusing, monkeypatch, code, status, advice):
    refusing.refusal = (code, status)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{refusing.server_port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BucketError, match=f"s3://motors/a: .*{advice}"):
        Bucket.at("s3://motors").read("a")


def test_server_that_does_not_know_conditions_is_refused(s3, refusing, monkeypatch):
    refusing.refusal = ("NotImplemented", "501 Not Implemented")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{refusing.server_port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(BucketError, match="does not know conditional writes"):
        Bucket.at("s3://motors").create("a", "")


def test_error_pickles(s3):
    with pytest.raises(BucketError) as caught:
        Bucket.at("s3://no-such-bucket").listed()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_uploads_in_pieces_that_were_abandoned_are_dropped(bucket):
    started = bucket._client.create_multipart_upload(Bucket=bucket.name, Key="motors/weights")
    assert started["UploadId"]
    bucket.abort_uploads(1e9)  # the test's server says of all that they began in 2010
    assert bucket._client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    bucket.abort_uploads(3600.0)
    assert "Uploads" not in bucket._client.list_multipart_uploads(Bucket=bucket.name)


def test_leases_of_a_bucket_lie_within_a_folder_of_it(bucket):
    place = bucket.within("leases")
    assert place.create("a.1", "one")
    place.write("a.1", "two")
    assert (place.read("a.1"), place.read("b.1"), place.names()) == ("two", None, ["a.1"])
    assert bucket.names("leases") == ["a.1"]
    place.remove("a.1")
    assert place.names() == []
