"""Objects of an S3 bucket under one prefix, and in words what keeps them from being reached.

By boto3. obstore 0.12 was tried: it creates conditionally, sends in pieces and lists as well, but knows no AWS_PROFILE,
can neither list nor drop uploads that died, copies no more than 5 GB, and hangs in a forked process.
boto3 is an extra, and is imported where it is used.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from grid.store.manifest import RECORD
from grid.store.place import PIECE_BYTES as READ_BYTES
from grid.store.place import Place
from grid.store.store import StoreError

SCHEME = "s3://"
ATTEMPTS = "8"  # of a request, with growing pauses: a minute or two; AWS_MAX_ATTEMPTS sets another
PIECE_BYTES = 16 << 20  # of a large file; ten at a time are in memory, never the file
THREADS = 4  # of one transfer
AT_ONCE = 8  # files
DELETED_AT_ONCE = 1000  # what one request may name
CONFLICTS = 5  # tries where two conditional writes met and the server let neither through
MISSING = frozenset({"404", "NoSuchKey"})
THERE_ALREADY = frozenset({412, 304})  # answers to a conditional write; 304 by servers that do as for a read
# What a person can do about an answer of the server, by its code.
ADVICE = {
    "NoSuchBucket": "there is no such bucket: create it, or correct --storage",
    "InvalidBucketName": "no bucket can have that name: correct --storage",
    "AccessDenied": "access is denied: the credentials need s3:ListBucket, s3:GetObject, s3:PutObject, "
    "s3:DeleteObject and s3:AbortMultipartUpload there",
    "InvalidAccessKeyId": "the server does not know this access key: correct AWS_ACCESS_KEY_ID or AWS_PROFILE",
    "SignatureDoesNotMatch": "the secret key is wrong: correct AWS_SECRET_ACCESS_KEY or AWS_PROFILE",
    "ExpiredToken": "the credentials have expired: renew them, and run the same command again",
    "RequestTimeTooSkewed": "this machine's clock is wrong: set it",
    "PermanentRedirect": "the bucket is in another region: set AWS_DEFAULT_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_DEFAULT_REGION",
    "NotImplemented": "this server does not know conditional writes (`If-None-Match: *`), on which leases rest: "
    "use one that does, or a folder that all nodes see",
    "SlowDown": "the server asks for fewer requests: run the same command again later",
}
ADVICE |= {"403": ADVICE["AccessDenied"], "301": ADVICE["PermanentRedirect"]}
NO_BOTO = "S3 needs boto3, which is not installed: pip install -c constraints.txt -e '.[s3]'"
ENDPOINT = "AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL"


class BucketError(StoreError, OSError):
    """A bucket cannot be reached, or refuses."""


class NoObjectError(BucketError):
    """There is no such object."""


@dataclass(frozen=True)
class Listed:
    """An object as a listing has it."""

    etag: str
    bytes: int


@dataclass(frozen=True)
class Bucket(Place):
    """The objects of a bucket whose names begin with a prefix; names are given without it.

    It pickles: each process opens a connection of its own, with what boto3 finds there (environment, profile, role).
    """

    name: str
    prefix: str  # empty, or ends in a slash

    @classmethod
    def at(cls, location: str) -> "Bucket":
        """Return what ``s3://bucket/prefix`` means.

        Raises
        ------
        BucketError
            If it names no bucket.
        """
        name, _, prefix = location.removeprefix(SCHEME).partition("/")
        if not location.startswith(SCHEME) or not name:
            raise BucketError(f"storage {location!r} names no bucket; it is written s3://bucket or s3://bucket/prefix")
        parts = [part for part in prefix.split("/") if part]
        return cls(name, "".join(f"{part}/" for part in parts))

    @property
    def location(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}".rstrip("/")

    @property
    def endpoint(self) -> str:
        """Where the server is."""
        return self._client.meta.endpoint_url

    def put_file(
        self, name: str, path: Path, metadata: Mapping[str, str] | None = None, content_type: str | None = None
    ) -> os.stat_result:
        """Upload a file as it is now; the object is the old one or the new one, never a part.

        Returns
        -------
        os.stat_result
            Of the file that was uploaded: another may have taken its name since.
        """
        with path.open("rb") as stream, self._telling(name):  # open: pieces are then of one file, whatever its name
            extra: dict[str, Any] = {"Metadata": dict(metadata)} if metadata else {}
            extra |= {"ContentType": content_type} if content_type else {}
            found = os.fstat(stream.fileno())
            self._client.upload_fileobj(stream, self.name, self._key(name), ExtraArgs=extra, Config=_transfer())
            return found

    def within(self, folder: str) -> "Bucket":
        return Bucket(self.name, f"{self.prefix}{folder}/")

    def names(self, folder: str = "") -> list[str]:
        under, found = f"{folder}/" if folder else "", list[str]()
        for page in self._pages(under, Delimiter="/"):
            found += [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
            found += [entry["Key"] for entry in page.get("Contents", ())]
        names = (key.rstrip("/").rpartition("/")[2] for key in found)
        return [name for name in names if not name.startswith(".")]

    def files(self, below: str = "") -> dict[str, int]:
        return {name: listed.bytes for name, listed in self.listed(f"{below}/" if below else "").items()}

    def has(self, name: str) -> bool:
        return self.metadata(name) is not None

    def read(self, name: str) -> str | None:
        try:
            return b"".join(self.pieces(name)).decode(errors="replace")
        except NoObjectError:
            return None

    def write(self, name: str, text: str) -> None:
        with self._telling(name):
            self._client.put_object(Bucket=self.name, Key=self._key(name), Body=text.encode())

    def create(self, name: str, text: str) -> bool:
        """Write an object unless another text is there; of several at once, one does, if their texts differ."""
        check_conditions(self)
        return self._create(name, text)

    def remove(self, name: str) -> None:
        self.delete([name])

    def clear(self, name: str) -> None:
        """Delete it, its record first: without it, the rest is no stage."""
        under = self.listed(f"{name}/")
        self.delete(sorted(under, key=lambda each: each != f"{name}/{RECORD}") if under else [name])

    def move(self, name: str, to: str) -> bool:
        """Move a folder, but for its record, which goes first."""
        found = self.listed(f"{name}/")
        self.delete([f"{name}/{RECORD}"] if f"{name}/{RECORD}" in found else [])
        kept = [each for each in found if not each.endswith(f"/{RECORD}")]
        at_once(lambda each: self.copy(each, f"{to}/{each.removeprefix(f'{name}/')}"), kept)
        self.delete(kept)
        return bool(found)

    def age_s(self, name: str) -> float | None:
        try:
            return _age_s(head := self._head(name), head["LastModified"])
        except NoObjectError:
            return None

    def get_file(self, name: str, path: Path) -> bool:
        """Download an object; the file is whole or not there. Tell whether there is such an object."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._telling(name):
                self._client.download_file(self.name, self._key(name), str(path), Config=_transfer())
        except NoObjectError:
            return False
        return True

    def pieces(self, name: str) -> Iterator[bytes]:
        with self._telling(name):
            answer = self._client.get_object(Bucket=self.name, Key=self._key(name))
            yield from answer["Body"].iter_chunks(READ_BYTES)

    def metadata(self, name: str) -> dict[str, str] | None:
        """Return what was written beside an object; None if there is no such object."""
        try:
            return self._head(name)["Metadata"]
        except NoObjectError:
            return None

    def listed(self, under: str = "") -> dict[str, Listed]:
        """Return the objects whose names begin so."""
        found = {}
        for page in self._pages(under):
            for entry in page.get("Contents", ()):
                found[entry["Key"].removeprefix(self.prefix)] = Listed(entry["ETag"].strip('"'), entry["Size"])
        return found

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects, in this order; one that is not there is deleted already."""
        keys = [{"Key": self._key(name)} for name in names]
        for start in range(0, len(keys), DELETED_AT_ONCE):
            batch = keys[start : start + DELETED_AT_ONCE]
            with self._telling(batch[0]["Key"].removeprefix(self.prefix)):
                answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            for refused in answer.get("Errors", ()):
                raise BucketError(self._words(refused["Key"].removeprefix(self.prefix), refused["Code"], refused))

    def copy(self, name: str, to: str, metadata: Mapping[str, str] | None = None) -> None:
        """Copy an object within the bucket, without a way through this machine; `metadata` takes its own's place.

        Raises
        ------
        NoObjectError
            If there is no such object.
        """
        extra = {"Metadata": dict(metadata), "MetadataDirective": "REPLACE"} if metadata else {}
        with self._telling(name):
            source = {"Bucket": self.name, "Key": self._key(name)}
            self._client.copy(source, self.name, self._key(to), ExtraArgs=extra, Config=_transfer())

    def abort_uploads(self, older_than_s: float) -> None:
        """Drop the pieces that dead uploads of large files left, which no listing shows and which cost."""
        with self._telling(""):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.name, Prefix=self.prefix):
                for upload in page.get("Uploads", ()):
                    if _age_s(page, upload["Initiated"]) > older_than_s:
                        place = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                        self._client.abort_multipart_upload(Bucket=self.name, **place)

    def _create(self, name: str, text: str) -> bool:
        for _ in range(CONFLICTS):
            answer = self._created(name, text)
            if answer is not None:
                return answer
            time.sleep(0.1)
        return False

    def _created(self, name: str, text: str) -> bool | None:
        """Write an object unless one is there; None where two such writes met, and neither was let through."""
        from botocore.exceptions import ClientError

        with self._telling(name):
            try:
                self._client.put_object(Bucket=self.name, Key=self._key(name), Body=text.encode(), IfNoneMatch="*")
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status == 409:
                    return None
                if status not in THERE_ALREADY:
                    raise
                # Where the answer to a write was lost, boto3 writes again, and finds what it wrote itself.
                return self.read(name) == text
        return True

    def _head(self, name: str) -> dict[str, Any]:
        with self._telling(name):
            return self._client.head_object(Bucket=self.name, Key=self._key(name))

    def _pages(self, under: str, **options: str) -> Iterator[dict[str, Any]]:
        with self._telling(under):
            pages = self._client.get_paginator("list_objects_v2")
            yield from pages.paginate(Bucket=self.name, Prefix=self._key(under), **options)

    def _key(self, name: str) -> str:
        return self.prefix + name

    @property
    def _client(self) -> Any:
        settings = tuple(sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))
        return _connect(os.getpid(), settings)

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        """Say what failed where, and what can be done about it."""
        try:
            from boto3.exceptions import Boto3Error
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise BucketError(f"{self.location}: {NO_BOTO} ({error})") from error
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            kind = NoObjectError if code in MISSING else BucketError
            raise kind(self._words(name, code, error)) from error
        except (BotoCoreError, Boto3Error) as error:
            raise BucketError(self._words(name, type(error).__name__, error)) from error

    def _words(self, name: str, code: str, error: object) -> str:
        where = f"{SCHEME}{self.name}/{self._key(name)}"
        if code in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
            advice = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        elif code in ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionClosedError", "ReadTimeoutError"):
            advice = f"nothing answers at {self._client.meta.endpoint_url}: look at the network, or correct {ENDPOINT}"
        else:
            advice = ADVICE.get(code, f"look at {ENDPOINT}, region and credentials")
        return f"{where}: {advice} ({error}); the same command goes on from here"


@lru_cache(maxsize=8)
def check_conditions(bucket: Bucket) -> None:
    """Make sure, once a process, that a server creates an object once only: leases rest on it.

    Raises
    ------
    BucketError
        If it lets the same object be created twice.
    """
    name = f".check-{uuid.uuid4().hex}"
    try:
        is_honoured = bucket._create(name, "first") and not bucket._create(name, "second")
    finally:
        bucket.delete([name])
    if not is_honoured:
        raise BucketError(
            f"{bucket.location}: this server ignores `If-None-Match: *` (an object was created twice), so that two "
            "launchers could build one stage at once; use a server that honours it, or a folder that all nodes see"
        )


@lru_cache(maxsize=8)
def _connect(process: int, settings: tuple[tuple[str, str], ...]) -> Any:
    """Return a client; a forked process, or another environment, gets its own."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise BucketError(f"{NO_BOTO} ({error})") from error
    given = dict(settings)
    retries: Any = {"mode": given.get("AWS_RETRY_MODE", "standard")}
    retries |= {"total_max_attempts": int(given.get("AWS_MAX_ATTEMPTS", ATTEMPTS))}
    config = Config(retries=retries, connect_timeout=10, read_timeout=60, max_pool_connections=32)
    return boto3.session.Session().client("s3", config=config)


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    pieces = {"multipart_threshold": 2 * PIECE_BYTES, "multipart_chunksize": PIECE_BYTES}
    return TransferConfig(**pieces, max_concurrency=THREADS)


def _age_s(answer: dict[str, Any], then: datetime) -> float:
    """Return how long ago something was, by the clock of the server that says so."""
    now = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return ((parsedate_to_datetime(now) if now else datetime.now(UTC)) - then).total_seconds()


def at_once(work: Callable[[str], object], names: Iterable[str]) -> None:
    """Do something for several files at a time; the first failure is raised."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in threads.map(work, names):
            pass
