"""How artefacts are kept in a bucket: any store that fsspec speaks, S3-compatible ones first.

`s3://bucket/prefix`; an endpoint of one's own and keys come from the usual variables (`AWS_ENDPOINT_URL`,
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`). Objects are named by the sha256 of their bytes
and are checked by whoever reads them.

Covered: reading, writing whole, whether one is there. Not covered: deleting; who may read the bucket.
"""

from importlib import import_module
from typing import Any

from workers.errors import ArtifactError

REMEDIES = {"s3": "pip install 'openledger-node[s3]'"}


class Bucket:
    """One bucket by URL; connects on first use."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._system: Any = None

    def has(self, name: str) -> bool:
        """Whether the object is there; raises ArtifactError when nobody answers."""
        return bool(self._call("exists", self._path(name)))

    def get(self, name: str, limit_bytes: int) -> bytes:
        """The object's bytes, unchecked; raises ArtifactError when it is missing or too large."""
        if int(self._call("size", self._path(name)) or 0) > limit_bytes:
            raise ArtifactError(f"artefact {name} in {self.url} is larger than {limit_bytes} bytes")
        data: bytes = self._call("cat_file", self._path(name))
        return data

    def put(self, name: str, data: bytes) -> None:
        """Write the object unless it is there."""
        if not self.has(name):
            self._call("pipe_file", self._path(name), data)

    def _path(self, name: str) -> str:
        return f"{self.url.split('://', 1)[1]}/{name}"

    def _call(self, method: str, *arguments: Any) -> Any:
        failures: tuple[type[Exception], ...] = (OSError, RuntimeError, *_client_errors())
        try:
            return getattr(self._connected(), method)(*arguments)
        except FileNotFoundError as error:
            raise ArtifactError(f"{self.url} does not hold it: {error}") from error
        except failures as error:
            raise ArtifactError(f"{self.url}: {method} failed: {error}") from error

    def _connected(self) -> Any:
        if self._system is None:
            scheme = self.url.split("://", 1)[0]
            try:
                self._system = import_module("fsspec").filesystem(scheme, **_SETTINGS.get(scheme, {}))
            except (ImportError, ValueError) as error:
                raise ArtifactError(f"{self.url}: {error}; {REMEDIES.get(scheme, 'use s3://')}") from error
        return self._system


def _client_errors() -> tuple[type[Exception], ...]:
    """What S3's client raises besides what fsspec translates."""
    try:
        return (import_module("botocore.exceptions").BotoCoreError,)
    except ImportError:
        return ()


_SETTINGS: dict[str, dict[str, Any]] = {"s3": {"use_listings_cache": False, "skip_instance_cache": True}}
