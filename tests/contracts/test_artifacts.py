"""Committed artefacts are what their sources compile to."""

import json
import shutil
from pathlib import Path

import pytest

from genesis.contracts.artifact import COMPILER, read_artifact, source_hash
from genesis.contracts.compile import SOURCE_SETS, compile_sources
from genesis.predeploys import ARTIFACTS as L2_ARTIFACTS
from genesis.predeploys import L2_CONTRACTS

TEST_ARTIFACTS = Path(__file__).with_name("artifacts")
MAXIMUM_CODE_SIZE = 24_576


@pytest.mark.parametrize("name", SOURCE_SETS)
def test_artifacts_are_of_these_sources(name: str) -> None:
    source_set = SOURCE_SETS[name]
    recorded = json.loads((source_set.folder / "sources.json").read_text())
    assert recorded["compiler"] == COMPILER
    assert recorded["sourceHash"] == source_hash(source_set.sources()), "run: make contracts"


@pytest.mark.npm
@pytest.mark.parametrize("name", SOURCE_SETS)
def test_compiling_again_gives_the_same_bytes(name: str) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    source_set = SOURCE_SETS[name]
    committed = {path.name: path.read_text() for path in source_set.folder.glob("*.json")}
    assert compile_sources(source_set.sources(), source_set.imported) == committed


def test_predeploys_need_no_constructor() -> None:
    for name in sorted(set(L2_CONTRACTS.values()) | {"Multicall3"}):
        artifact = read_artifact(L2_ARTIFACTS, name)
        assert artifact.immutable_references == (), name
        assert not any(entry["type"] == "constructor" for entry in artifact.abi), name


def test_every_contract_fits_the_code_size_limit() -> None:
    for source_set in (SOURCE_SETS["l1"], SOURCE_SETS["l2"]):
        for path in source_set.folder.glob("*.json"):
            if path.name != "sources.json":
                assert len(read_artifact(path.parent, path.stem).deployed_bytecode) <= MAXIMUM_CODE_SIZE


def test_source_hash_sees_names_texts_and_order() -> None:
    base = {"a.sol": "x", "b.sol": "y"}
    assert source_hash(base) == source_hash(dict(reversed(base.items())))
    assert (
        len({source_hash(base), source_hash({"a.sol": "y", "b.sol": "x"}), source_hash({"a.sol": "x"})}) == 3
    )
