"""What a compiled contract is on disk, and how it is read.

Artefacts are committed, so that running a node never needs npm. `sources.json` beside them names the
compiler and the hash of the sources they came from.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPILER = "0.8.37"
SOLC_SETTINGS: Mapping[str, Any] = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "none"},
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract. Interfaces have an ABI and empty code.

    `immutable_references` are the (offset, length) places in `deployed_bytecode` that the constructor fills;
    `storage_layout` is the compiler's, without source locations.
    """

    name: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    immutable_references: tuple[tuple[int, int], ...]
    storage_layout: Mapping[str, Any]


def read_artifact(folder: Path, name: str) -> Artifact:
    """Read `<folder>/<name>.json`. Raises `FileNotFoundError` if the contract was never compiled."""
    fields = json.loads((folder / f"{name}.json").read_text())
    return Artifact(
        name=name,
        abi=tuple(fields["abi"]),
        bytecode=bytes.fromhex(fields.get("bytecode", "")),
        deployed_bytecode=bytes.fromhex(fields.get("deployedBytecode", "")),
        immutable_references=tuple(
            (start, length) for start, length in fields.get("immutableReferences", ())
        ),
        storage_layout=fields.get("storageLayout", {}),
    )


def source_hash(sources: Mapping[str, str]) -> str:
    """SHA-256 over compiler, settings and every (path, text) in path order: equal hash, equal artefacts."""
    digest = hashlib.sha256()
    digest.update(json.dumps([COMPILER, SOLC_SETTINGS], sort_keys=True).encode())
    for path in sorted(sources):
        digest.update(b"\0" + path.encode() + b"\0" + sources[path].encode())
    return digest.hexdigest()
