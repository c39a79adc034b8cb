from dataclasses import fields, replace

import pytest

from rollup_bridge.derive.attributes import SequencerAttributes
from rollup_bridge.derive.consolidation import differences
from rollup_bridge.ports import Attributes, L2Block
from tests.rollup_bridge.fakes import GENESIS_BLOCK, FakeL1, l2_block, rollup_config


async def made() -> tuple[Attributes, L2Block]:
    l1 = FakeL1()
    attributes = await SequencerAttributes(rollup_config(l1), l1).prepare(GENESIS_BLOCK)
    return attributes, l2_block(attributes)


async def test_the_block_of_the_attributes_is_the_same() -> None:
    assert differences(*await made()) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"parent_hash": b"x" * 32},
        {"timestamp_s": 1},
        {"prev_randao": b"x" * 32},
        {"fee_recipient": b"x" * 20},
        {"gas_limit": 1},
        {"parent_beacon_block_root": b"x" * 32},
        {"extra_data": b"x"},
        {"transactions": (b"x",)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_every_field_counts(change: dict[str, object]) -> None:
    attributes, block = await made()
    (name,) = change
    changed = replace(block, **change)  # type: ignore[arg-type]  # one field of its own type per case
    assert differences(attributes, changed) == (name,)


def test_no_field_of_a_block_is_forgotten() -> None:
    compared = {"parent_hash", "timestamp_s", "prev_randao", "fee_recipient", "gas_limit"}
    compared |= {"parent_beacon_block_root", "extra_data", "transactions"}
    assert {field.name for field in fields(L2Block)} - compared == {"hash", "number"}
