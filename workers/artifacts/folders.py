"""How a model folder becomes one artefact and comes back: a document that names every file by its sha256.

The document is canonical JSON `{"format": "openledger-folder/1", "files": {name: sha256}}`; its own sha256 is
what the chain knows a base or an adapter by. Names are relative with `/` between folders.

Covered: paths that leave the folder, links, file types that run code when they are read (pickles, by name and
by content), malformed JSON and safetensors headers, files changed after they were written, kills in between.
Not covered: whether the files make up a model that loads (`workers.text.loading`).
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.errors import InvalidInputError

FORMAT = "openledger-folder/1"
MAX_FILES = 256
MAX_NAME_LENGTH = 200
MAX_TENSORS_HEADER_BYTES = 100 << 20
"""As the safetensors library has it."""
JSON_SUFFIXES = (".json",)
TENSOR_SUFFIXES = (".safetensors",)
TEXT_SUFFIXES = (".txt", ".md", ".jinja")
TOKENIZER_SUFFIXES = (".model",)
SUFFIXES = (*JSON_SUFFIXES, *TENSOR_SUFFIXES, *TEXT_SUFFIXES, *TOKENIZER_SUFFIXES)
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PICKLE_STARTS = tuple(bytes((0x80, protocol)) for protocol in range(1, 6))
_ARCHIVE_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


def store_folder(store: ArtifactStore, path: Path) -> ArtifactId:
    """Keep every file of `path` and the document naming them; raises InvalidInputError where not allowed."""
    if not path.is_dir():
        raise InvalidInputError(f"{path} is not a folder")
    files: dict[str, str] = {}
    for file in sorted(path.rglob("*")):
        if file.is_symlink():
            raise InvalidInputError(
                f"{file.relative_to(path)} is a link: copy the file itself into the folder"
            )
        if file.is_file():
            name = file.relative_to(path).as_posix()
            check_name(name)
            data = file.read_bytes()
            check_content(name, data)
            files[name] = store.put(data)
    check_files(files)
    return store.put(canonical_json.encode({"format": FORMAT, "files": files}))


def read_folder(store: ArtifactStore, name: str) -> dict[str, ArtifactId]:
    """The files of a stored folder by name; raises InvalidInputError, ArtifactError."""
    document = _document(store.get(name))
    if (
        not isinstance(document, dict)
        or document.get("format") != FORMAT
        or set(document) != {"format", "files"}
    ):
        raise InvalidInputError(f"{name} is not a model folder of format {FORMAT!r}")
    files = document["files"]
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise InvalidInputError(f"folder {name}: files must map names to hashes")
    check_files(files)
    return {file: parse_id(value) for file, value in files.items()}


def materialise(store: ArtifactStore, name: str, into: Path) -> Path:
    """The folder as files under `into/<hash>`, all or nothing; a copy already there is checked file by file.

    Raises InvalidInputError for a file that is not allowed, ArtifactError for one missing or corrupt.
    """
    folder = parse_id(name)
    files = read_folder(store, folder)
    target = into / folder
    if target.is_dir():
        if _is_intact(target, files):
            return target
        shutil.rmtree(target)
    into.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=into, prefix=".writing-"))
    try:
        for file, artifact in files.items():
            _write_file(temporary / file, file, store.get(artifact))
        temporary.chmod(0o755)
        _publish(temporary, target, files)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def check_files(files: dict[str, Any]) -> None:
    """Raises InvalidInputError when names are not allowed, too many, or clash on some file systems."""
    if not 1 <= len(files) <= MAX_FILES:
        raise InvalidInputError(f"a model folder has 1 to {MAX_FILES} files, not {len(files)}")
    for name in files:
        check_name(name)
    folders = {parent for name in files for parent in _parents(name)}
    if folders & {name.lower() for name in files} or len({name.lower() for name in files}) != len(files):
        raise InvalidInputError("two names of the folder would be the same file")


def check_name(name: str) -> None:
    """Raises InvalidInputError unless `name` is a plain relative path to a type of file that runs nothing."""
    if len(name) > MAX_NAME_LENGTH or not all(_PART.fullmatch(part) for part in name.split("/")):
        raise InvalidInputError(f"file name {name[:MAX_NAME_LENGTH]!r} is not a plain relative path")
    if not name.endswith(SUFFIXES):
        raise InvalidInputError(f"{name}: only {', '.join(SUFFIXES)} files belong into a model folder")


def check_content(name: str, data: bytes) -> None:
    """Raises InvalidInputError when the bytes are not what the name says."""
    if data.startswith((*_PICKLE_STARTS, *_ARCHIVE_STARTS)):
        raise InvalidInputError(f"{name} holds a pickle or an archive: save weights as safetensors")
    if name.endswith(TENSOR_SUFFIXES):
        _check_tensors(name, data)
    elif name.endswith((*JSON_SUFFIXES, *TEXT_SUFFIXES)):
        try:
            text = data.decode()
            if name.endswith(JSON_SUFFIXES):
                canonical_json.check_depth(data)
                json.loads(text)
        except ValueError as error:
            raise InvalidInputError(f"{name} is malformed: {error}") from error


def _check_tensors(name: str, data: bytes) -> None:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > MAX_TENSORS_HEADER_BYTES or 8 + size > len(data):
        raise InvalidInputError(f"{name} is not a safetensors file: its header length is out of bounds")
    try:
        canonical_json.check_depth(data[8 : 8 + size])
        header = json.loads(data[8 : 8 + size])
    except ValueError as error:
        raise InvalidInputError(f"{name} is not a safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise InvalidInputError(f"{name} is not a safetensors file: its header is not an object")


def _document(data: bytes) -> Any:
    try:
        return canonical_json.decode(data)
    except InvalidInputError:
        return None


def _parents(name: str) -> list[str]:
    parts = name.lower().split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def _write_file(path: Path, name: str, data: bytes) -> None:
    check_content(name, data)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _publish(temporary: Path, target: Path, files: dict[str, ArtifactId]) -> None:
    """Rename into place; another process may have been faster, with the same bytes."""
    try:
        temporary.rename(target)
    except OSError:
        if not _is_intact(target, files):
            raise


def _is_intact(target: Path, files: dict[str, ArtifactId]) -> bool:
    found = {file.relative_to(target).as_posix() for file in target.rglob("*") if not file.is_dir()}
    return found == set(files) and all(
        not (target / file).is_symlink() and _sha256(target / file) == artifact
        for file, artifact in files.items()
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
