import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from workers.artifacts import store as store_module
from workers.artifacts.store import ArtifactStore, artifact_id, parse_id
from workers.errors import ArtifactError

HELLO = hashlib.sha256(b"hello").hexdigest()


def test_names_are_sha256(store: ArtifactStore) -> None:
    assert store.put(b"hello") == HELLO
    assert store.get(HELLO) == store.get(f"sha256:{HELLO}") == b"hello"
    assert [path.name for path in store.directory.iterdir()] == [HELLO]


def test_missing_is_an_error_without_url(store: ArtifactStore) -> None:
    assert not store.has(HELLO)
    with pytest.raises(ArtifactError, match="no URL"):
        store.get(HELLO)


def test_corruption_is_found_and_healed_by_writing_again(store: ArtifactStore) -> None:
    store.put(b"hello")
    store.path(HELLO).write_bytes(b"hellp")
    with pytest.raises(ArtifactError, match="corrupt"):
        store.get(HELLO)
    store.put(b"hello")
    assert store.get(HELLO) == b"hello"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", HELLO.upper(), HELLO[:-1], f"{HELLO}/x"])
def test_only_hashes_name_artefacts(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ArtifactError):
        store.get(name)
    with pytest.raises(ArtifactError):
        parse_id(name)


def test_only_http_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="http"):
        ArtifactStore(tmp_path, "file:///etc")


class Handler(BaseHTTPRequestHandler):
    """Serves two artefacts, one of them under a wrong name."""

    wrong = artifact_id(b"expected")

    def do_GET(self) -> None:
        contents = {f"/artifacts/{HELLO}": b"hello", f"/artifacts/{self.wrong}": b"something else"}
        body = contents.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def node_url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/artifacts"
    server.shutdown()
    thread.join()
    server.server_close()


def test_missing_ones_are_fetched_once_and_checked(tmp_path: Path, node_url: str) -> None:
    store = ArtifactStore(tmp_path, node_url)
    assert store.get(HELLO) == b"hello"
    assert store.has(HELLO)
    with pytest.raises(ArtifactError, match="corrupt"):
        store.get(Handler.wrong)
    assert not store.has(Handler.wrong)
    with pytest.raises(ArtifactError, match="404"):
        store.get(artifact_id(b"unknown"))


def test_parts_become_the_artefact_that_the_whole_is(store: ArtifactStore) -> None:
    name = store.put_parts([b"one", b"", b"two"])
    assert name == store.put(b"onetwo")
    assert bytes(store.mapped(name)) == b"onetwo"
    assert store.mapped(store.put_parts([])) == b""
    store.path(name).write_bytes(b"onetwi")
    with pytest.raises(ArtifactError, match="corrupt"):
        store.mapped(name)


def test_a_failing_part_leaves_nothing_behind(store: ArtifactStore) -> None:
    def parts() -> Iterator[bytes]:
        yield b"begun"
        raise RuntimeError("the disk of the source is gone")

    with pytest.raises(RuntimeError):
        store.put_parts(parts())
    assert list(store.directory.iterdir()) == []


def test_hosts_are_tried_in_turn(tmp_path: Path, node_url: str) -> None:
    """The first is gone; the second has it."""
    store = ArtifactStore(tmp_path / "here", f"http://127.0.0.1:9/artifacts, {node_url}")
    assert store.get(HELLO) == b"hello"


def test_a_bucket_stands_alone(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="alone"):
        ArtifactStore(tmp_path, "s3://bucket/a,http://127.0.0.1:9")


ANSWERS = {
    "no HTTP": b"\xff\xfe\r\n\r\n",
    "a line without end": b"HTTP/1.1 200 " + b"a" * 70_000,
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200,
    "nothing": b"",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello there",
    "more than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhello",
    "less than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhell",
    "chunks of nonsense": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "another place": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n",
}


@contextmanager
def answering(said: bytes, pause_s: float = 0.0) -> Iterator[str]:
    """A host that says this to everybody, a byte at a time where it pauses."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer, suppress(OSError):
                        peer.recv(4096)
                        for part in [bytes([byte]) for byte in said] if pause_s else [said]:
                            peer.sendall(part)
                            time.sleep(pause_s)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/artifacts"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_a_host_answers_is_an_artefact_error(tmp_path: Path, kind: str) -> None:
    with answering(ANSWERS[kind]) as url:
        store = ArtifactStore(tmp_path, url)
        with pytest.raises(ArtifactError):
            store.get(HELLO)
        with pytest.raises(ArtifactError):
            store.get_range(HELLO, 0, 5)


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50, b"HTTP/1.1 200 OK\r\n\r\nhello"])
def test_nobody_waits_for_a_host_that_trickles(
    tmp_path: Path, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "FETCH_TIMEOUT_S", 0.3)
    start_s = time.monotonic()
    with answering(said, 0.05) as url, pytest.raises(ArtifactError):
        ArtifactStore(tmp_path, url).get(HELLO)
    assert time.monotonic() - start_s < 1.5
