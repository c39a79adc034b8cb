"""Schema steps run once and in order; a store of the future is refused."""

import pytest

from openledger_node.chain.state_pruning import prune_store
from openledger_node.errors import StartError
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue, MemoryKeyValue
from openledger_node.storage.migrations import FIRST_SCHEMA, SCHEMA, Migration, migrate
from tests.evm import world


def _append(letter: bytes) -> Migration:
    def step(store: KeyValue) -> None:
        store.write([(b"trace", (store.get(b"trace") or b"") + letter)])

    return step


def test_an_empty_store_gets_the_newest_schema_without_steps() -> None:
    store = MemoryKeyValue()
    migrate(store, [_append(b"a")])
    assert store.get(keys.SCHEMA) == (FIRST_SCHEMA + 1).to_bytes(4, "big")
    assert store.get(b"trace") is None


def test_an_old_store_takes_every_step_once() -> None:
    store = MemoryKeyValue()
    migrate(store, [])
    steps = [_append(b"a"), _append(b"b")]
    migrate(store, steps)
    migrate(store, steps)
    assert store.get(b"trace") == b"ab"


def test_a_store_of_the_first_schema_goes_on_and_may_be_pruned_then() -> None:
    store = MemoryKeyValue()
    chain = world.open_chain(store=store)
    head = chain.import_block(world.inputs(chain)).header
    store.write([(keys.SCHEMA, FIRST_SCHEMA.to_bytes(4, "big"))])
    assert world.open_chain(store=store).head.header == head
    assert store.get(keys.SCHEMA) == SCHEMA.to_bytes(4, "big")
    assert prune_store(store, 1).last == 1
    assert world.open_chain(store=store).kept_states == 1


def test_a_newer_store_is_refused() -> None:
    store = MemoryKeyValue()
    store.write([(keys.SCHEMA, (99).to_bytes(4, "big"))])
    with pytest.raises(StartError, match="schema 99"):
        migrate(store)
