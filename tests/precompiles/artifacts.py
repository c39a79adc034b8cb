"""Compiled interfaces and twins, as committed."""

from functools import cache
from pathlib import Path

from genesis.contracts.artifact import Artifact, read_artifact

REPOSITORY = Path(__file__).resolve().parents[2]
SOLIDITY = REPOSITORY / "precompiles" / "solidity"
PREDEPLOYS = REPOSITORY / "genesis" / "contracts" / "artifacts"


@cache
def artifact(name: str) -> Artifact:
    """The artefact of a contract or interface of the precompiles' set."""
    return read_artifact(SOLIDITY / "artifacts", name)


def twin_code(name: str) -> bytes:
    """A twin's deployed code; twins have no immutables, so it runs as it is at any address."""
    twin = artifact(name)
    assert not twin.immutable_references
    return twin.deployed_bytecode
