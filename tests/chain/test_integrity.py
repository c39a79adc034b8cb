"""The check of a store: silent on a sound one, and nothing can be lost or altered without a word."""

from collections.abc import Mapping
from random import Random

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.chain.integrity import check_store
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ALICE, ROLLUP

BLOCKS = 7


def _problems(store: MemoryKeyValue, sample: int | None = None) -> list[str]:
    return [
        problem for step in check_store(store, sample=sample, random=Random(1)) for problem in step.problems
    ]


def _filled(state_history: int | None) -> MemoryKeyValue:
    store = MemoryKeyValue()
    chain = Chain.open(ROLLUP, store, world.allocation(), world.GENESIS_TIME_S, state_history=state_history)
    for number in range(BLOCKS):
        raw = ALICE.sign(ROLLUP, nonce=number, to=world.STORE_ADDRESS, data=world.word(number + 1), value=0)
        block = chain.import_block(world.inputs(chain, raw))
        if number == 4:
            chain.set_heads(safe=block.header.hash, finalized=block.header.hash)
    return store


@pytest.fixture(scope="module")
def entries() -> dict[bytes, bytes]:
    return dict(_filled(3).scan(b""))


@pytest.mark.parametrize("sample", [None, 2, 1_000])
@pytest.mark.parametrize("state_history", [None, 3])
def test_a_sound_store(sample: int | None, state_history: int | None) -> None:
    reports = list(check_store(_filled(state_history), sample=sample, random=Random(1)))
    assert [report.problems for report in reports] == [()] * len(reports)
    assert reports[1].checked == BLOCKS + 1
    assert len(reports) == (5 if sample else 7 if state_history else 6)


def test_nothing_can_be_lost_or_altered_unnoticed(entries: dict[bytes, bytes]) -> None:
    dice = Random(7)
    unchecked = {keys.SCHEMA, keys.HISTORY}  # an operator's choices: any number is as good
    for key in sorted(entries.keys() - unchecked):
        assert _is_noticed({**entries, key: None}), f"{key!r} lost"
        value = entries[key]
        if value and not key.startswith(keys.RECEIPTS):  # no root commits to their prices and L1 fees
            altered = bytearray(value)
            altered[dice.randrange(len(value))] ^= 1 << dice.randrange(8)
            assert _is_noticed({**entries, key: bytes(altered)}), f"{key!r}: {value.hex()}, {altered.hex()}"


def _is_noticed(entries: Mapping[bytes, bytes | None]) -> bool:
    store = MemoryKeyValue()
    store.write([(key, value) for key, value in entries.items() if value is not None])
    try:
        return bool(_problems(store))
    except StartError:
        return True


def test_what_a_sample_cannot_miss() -> None:
    store = _filled(None)
    header = keys.by_hash(keys.HEADER, store.get(keys.by_number(keys.CANONICAL, 1)) or b"")
    store.write([], [header])
    assert any("header 1" in problem for problem in _problems(store, 2))


def test_entries_beyond_the_head() -> None:
    store = _filled(None)
    store.write(
        [(keys.by_number(keys.CANONICAL, BLOCKS + 2), b"\1" * 32), (keys.transaction(b"\2" * 32), b"\1" * 36)]
    )
    problems = _problems(store)
    assert f"the index has a block {BLOCKS + 2} beyond the head" in problems
    assert any("is indexed in no canonical block" in problem for problem in problems)


def test_a_lost_store_is_given_up_early() -> None:
    store = _filled(None)
    store.write([], [key for key, _ in store.scan(keys.RECEIPTS)])
    assert any("cannot go on" in problem or "not whole" in problem for problem in _problems(store))


def test_no_chain_or_one_of_the_future() -> None:
    with pytest.raises(StartError, match="no chain"):
        _problems(MemoryKeyValue())
    store = _filled(None)
    store.write([(keys.SCHEMA, (99).to_bytes(4, "big"))])
    with pytest.raises(StartError, match="schema 99"):
        _problems(store)
