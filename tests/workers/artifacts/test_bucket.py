"""Artefacts in a bucket, against a server process that speaks S3's protocol."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from workers.artifacts.store import ArtifactStore, artifact_id
from workers.errors import ArtifactError

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
START_S = 60.0


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url)
        client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="artefacts")
        yield url
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    deadline_s = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            assert time.monotonic() < deadline_s, "the S3 server did not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return f"s3://artefacts/{request.node.name}"


def test_what_one_machine_puts_another_gets(bucket: str, tmp_path: Path) -> None:
    first, second = ArtifactStore(tmp_path / "a", bucket), ArtifactStore(tmp_path / "b", bucket)
    name = first.put(b"content" * 1000)
    assert second.has(name)
    assert second.get(name) == b"content" * 1000
    assert (tmp_path / "b" / name).is_file()
    assert first.put(b"content" * 1000) == name


def test_what_is_nowhere_is_missing(bucket: str, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path, bucket)
    assert not store.has(artifact_id(b"never put"))
    with pytest.raises(ArtifactError, match="does not hold it"):
        store.get(artifact_id(b"never put"))


def test_a_changed_object_is_refused(bucket: str, endpoint: str, tmp_path: Path) -> None:
    name = ArtifactStore(tmp_path / "a", bucket).put(b"right")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.put_object(Bucket="artefacts", Key=f"{bucket.split('/', 3)[3]}/{name}", Body=b"wrong")
    with pytest.raises(ArtifactError, match="corrupt"):
        ArtifactStore(tmp_path / "b", bucket).get(name)
    assert list((tmp_path / "b").iterdir()) == []


def test_a_bucket_that_is_not_there_says_so(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="s3://nowhere"):
        ArtifactStore(tmp_path, "s3://nowhere/x").put(b"data")


def test_other_schemes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="s3 only"):
        ArtifactStore(tmp_path, "ftp://host/x")


def test_nobody_listening_is_an_error_in_words(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(os.environ, "AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ArtifactError, match="failed"):
        ArtifactStore(tmp_path, bucket).put(b"data")
