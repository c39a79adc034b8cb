"""Chains from files: what is imported, what is passed over, what stops the start."""

import json
from pathlib import Path

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_genesis import read_genesis
from openledger_node.errors import StartError
from openledger_node.node.ethereum_import import import_blocks, load_genesis, read_blocks
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.chain.test_ethereum_genesis import NOW, genesis, mine, old_chain

GENESIS = genesis({"chainId": 7, "homesteadBlock": 0, "byzantiumBlock": 3}, difficulty="0x20000")


def empty() -> Chain:
    return Chain.open_ethereum(read_genesis(GENESIS), MemoryKeyValue())


@pytest.fixture(scope="module")
def blocks() -> bytes:
    chain, encoded = old_chain(), b""
    for _ in range(4):
        encoded += (block := mine(chain))
        chain.import_encoded(block)
    return encoded


def test_all_blocks_come_in_and_are_final(blocks: bytes) -> None:
    chain = empty()
    assert import_blocks(chain, blocks) == 4
    heads = chain.heads
    assert heads.unsafe == heads.safe == heads.finalized
    assert heads.unsafe.number == 4


def test_what_is_there_is_passed_over(blocks: bytes) -> None:
    chain = empty()
    import_blocks(chain, blocks)
    assert import_blocks(chain, blocks) == 0
    assert import_blocks(chain, b"") == 0


def test_a_node_that_is_stopped_goes_on_there_next_time(blocks: bytes) -> None:
    chain = empty()
    assert import_blocks(chain, blocks, lambda: chain.heads.unsafe.number == 2) == 2
    assert chain.heads.finalized.number == 0
    assert import_blocks(chain, blocks) == 2


def test_a_broken_file_stops_the_start(blocks: bytes) -> None:
    with pytest.raises(StartError, match="block 1 cannot be imported"):
        import_blocks(empty(), b"\x01" + blocks)
    with pytest.raises(StartError, match="block 4 cannot be imported"):
        import_blocks(empty(), blocks[:-1])


def test_files_that_cannot_be_read_say_which_flag(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="--genesis"):
        load_genesis(tmp_path / "none.json")
    with pytest.raises(StartError, match="--import"):
        read_blocks(tmp_path / "none.rlp")
    (tmp_path / "bad.json").write_text(json.dumps({"config": NOW}))
    with pytest.raises(StartError, match="geth's format"):
        load_genesis(tmp_path / "bad.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="geth's format"):
        load_genesis(tmp_path / "binary.json")
