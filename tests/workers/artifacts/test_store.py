import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

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
