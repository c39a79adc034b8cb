from dataclasses import replace

from genesis.keccak import keccak256
from genesis.types import Hash32
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.output_root import output_root

PARTS = OutputParts(1, Hash32(b"s" * 32), Hash32(b"m" * 32), Hash32(b"b" * 32))


def test_it_is_the_hash_of_four_words() -> None:
    assert output_root(PARTS) == keccak256(bytes(32) + b"s" * 32 + b"m" * 32 + b"b" * 32)


def test_every_part_counts() -> None:
    other = Hash32(b"x" * 32)
    changed = [
        replace(PARTS, state_root=other),
        replace(PARTS, message_passer_storage_root=other),
        replace(PARTS, block_hash=other),
    ]
    assert len({output_root(parts) for parts in (PARTS, *changed)}) == 4
