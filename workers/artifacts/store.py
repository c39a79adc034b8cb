"""Where artefacts are kept: files named by the sha256 of their bytes.

Covered: atomic writes, verification on every read, fetching from a node over HTTP when missing, a bucket
behind the directory, size and time limits. Not covered: redirects and proxies; deleting what nobody needs any
more (`sweeping`, whose looks `put` must not be missed by: it touches); who may read what.
"""

import hashlib
import mmap
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import NewType
from urllib.parse import urlsplit

from workers.artifacts.bucket import Bucket
from workers.artifacts.sweeping import touch
from workers.errors import ArtifactError

ArtifactId = NewType("ArtifactId", str)
"""64 lower-case hex digits: the sha256 of an artefact's bytes."""

MAX_ARTIFACT_BYTES = 1 << 32
FETCH_TIMEOUT_S = 30.0
LEAST_BYTES_PER_S = 1 << 16
BLOCK_BYTES = 1 << 20
BUCKET_SCHEMES = frozenset({"s3"})
_ID = re.compile(r"[0-9a-f]{64}")


def artifact_id(data: bytes) -> ArtifactId:
    """The name of `data`: its sha256 in hex."""
    return ArtifactId(hashlib.sha256(data).hexdigest())


def parse_id(text: object) -> ArtifactId:
    """Accepts `<hex>` and `sha256:<hex>`; raises ArtifactError for anything else."""
    name = text.removeprefix("sha256:") if isinstance(text, str) else ""
    if not _ID.fullmatch(name):
        raise ArtifactError(f"{text!r} does not name an artefact: expected 64 lower-case hex digits")
    return ArtifactId(name)


class ArtifactStore:
    """A directory of artefacts, and by `url` what stands behind it: nodes' `…/artifacts` to fetch missing
    ones from, several separated by commas; a bucket (`s3://bucket/prefix`) that gets and gives everything; or
    "" for nothing."""

    def __init__(self, directory: Path, url: str = "") -> None:
        urls = [each.strip().rstrip("/") for each in url.split(",") if each.strip()]
        schemes = {each.partition("://")[0] for each in urls}
        if schemes - {"http", "https", *BUCKET_SCHEMES}:
            raise ArtifactError(f"{url!r}: artefacts are kept behind http, https or s3 only")
        if schemes & BUCKET_SCHEMES and len(urls) > 1:
            raise ArtifactError(f"{url!r}: a bucket stands alone")
        self.directory = directory
        self._bucket = Bucket(url) if schemes & BUCKET_SCHEMES else None
        self._urls = urls if self._bucket is None else []
        directory.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """The file of an artefact, whether or not it is there."""
        return self.directory / parse_id(name)

    def has(self, name: str) -> bool:
        """True if the artefact is here or in the bucket; says nothing about its content."""
        return self.path(name).is_file() or (self._bucket is not None and self._bucket.has(parse_id(name)))

    def put(self, data: bytes) -> ArtifactId:
        """Keep `data`, whole or not at all; a second write of the same bytes changes nothing."""
        name = artifact_id(data)
        if self._read(name) != data or not touch(self.directory / name):
            self._write(name, data)
        if self._bucket is not None:
            self._bucket.put(name, data)
        return name

    def put_parts(self, parts: Iterable[bytes]) -> ArtifactId:
        """Keep an artefact that comes in parts, without holding it in memory."""
        digest = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for part in parts:
                digest.update(part)
                yield part

        temporary = self._written(hashed())
        name = ArtifactId(digest.hexdigest())
        os.replace(temporary, self.directory / name)
        if self._bucket is not None:
            self._bucket.put(name, self.get(name))
        return name

    def mapped(self, name: str) -> bytes | mmap.mmap:
        """The same bytes as `get`, checked, but mapped from their file; raises ArtifactError."""
        path = self.path(name)
        if not path.is_file():
            self.get(name)
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != path.name:
                raise ArtifactError(f"artefact {path.name} from {self.directory} hashes to {found}: corrupt")
            is_empty = not file.seek(0, os.SEEK_END)
            return b"" if is_empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def get(self, name: str) -> bytes:
        """The bytes of an artefact, fetched when missing; raises ArtifactError when it is not its content."""
        name = parse_id(name)
        data = self._read(name)
        if data is None:
            data = self._fetch(name)
            _check(name, data, ", ".join(self._urls) or "the bucket")
            self._write(name, data)
            return data
        _check(name, data, str(self.directory))
        return data

    def get_range(self, name: str, first: int, count: int) -> bytes:
        """`count` bytes from `first` on, from the file or by an HTTP range request; raises ArtifactError.

        A part says nothing about its whole: the caller checks it against what was committed.
        """
        name = parse_id(name)
        if self.has(name):
            with self.path(name).open("rb") as file:
                file.seek(first)
                data = file.read(count)
        else:
            headers = {"Range": f"bytes={first}-{first + count - 1}"}
            data = self._from_hosts(name, lambda url: _request(url, name, headers, count))
        if len(data) != count:
            raise ArtifactError(f"artefact {name} has no {count} bytes at {first}")
        return data

    def _read(self, name: ArtifactId) -> bytes | None:
        try:
            return (self.directory / name).read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, name: ArtifactId, data: bytes) -> None:
        os.replace(self._written([data]), self.directory / name)

    def _written(self, parts: Iterable[bytes]) -> Path:
        """A temporary file of all parts, on the disk."""
        handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return Path(temporary)

    def _fetch(self, name: ArtifactId) -> bytes:
        """The artefact from the bucket, or from the first host that has it whole."""
        if self._bucket is not None:
            return self._bucket.get(name, MAX_ARTIFACT_BYTES)

        def whole(url: str) -> bytes:
            data = _request(url, name, {}, MAX_ARTIFACT_BYTES + 1)
            if len(data) > MAX_ARTIFACT_BYTES:
                raise ArtifactError(f"artefact {name} at {url} is larger than {MAX_ARTIFACT_BYTES} bytes")
            _check(name, data, url)
            return data

        return self._from_hosts(name, whole)

    def _from_hosts(self, name: ArtifactId, ask: Callable[[str], bytes]) -> bytes:
        """What the first host answers that answers rightly; raises the last one's ArtifactError."""
        failure = ArtifactError(
            f"artefact {name} is not in {self.directory} and no URL to fetch it from is set"
        )
        for url in self._urls:
            try:
                return ask(url)
            except ArtifactError as error:
                failure = error
        raise failure


def _request(url: str, name: ArtifactId, headers: dict[str, str], most: int) -> bytes:
    """At most `most` bytes of the answer. A host that ignores a range, sends elsewhere, is silent or trickles
    is refused: it may be a stranger's, and who waits for it has others to serve."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=FETCH_TIMEOUT_S)
        with closing(connection):
            connection.request("GET", f"{parts.path}/{name}", headers=headers)
            with _cut_after(connection, FETCH_TIMEOUT_S):
                response = connection.getresponse()
            if headers and response.status == HTTPStatus.OK:
                raise ArtifactError(f"{url} does not serve parts of artefacts")
            if response.status != (HTTPStatus.PARTIAL_CONTENT if headers else HTTPStatus.OK):
                raise ArtifactError(f"artefact {name}: {url} answers {response.status} {response.reason!r}")
            return b"".join(_blocks(response, most))
    except (OSError, HTTPException, ValueError) as error:
        raise ArtifactError(f"artefact {name} could not be fetched from {url}: {error}") from error


@contextmanager
def _cut_after(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """Nobody is waited for longer, however often a byte comes."""

    def cut() -> None:
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _blocks(response: HTTPResponse, most: int) -> Iterator[bytes]:
    """What comes, up to `most` bytes; raises OSError where it is slower than LEAST_BYTES_PER_S."""
    start_s, count = time.monotonic(), 0
    while count < most and (block := response.read1(min(BLOCK_BYTES, most - count))):
        count += len(block)
        yield block
        if time.monotonic() - start_s > FETCH_TIMEOUT_S + count / LEAST_BYTES_PER_S:
            raise TimeoutError("it comes too slowly")


def _check(name: ArtifactId, data: bytes, where: str) -> None:
    if artifact_id(data) != name:
        raise ArtifactError(f"artefact {name} from {where} hashes to {artifact_id(data)}: corrupt")
