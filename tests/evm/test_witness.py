"""A witness is enough to execute its block again, and nothing in it is idle."""

import pytest

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.natives import native_precompiles
from openledger_node.evm.block_building import inputs_of
from openledger_node.evm.engine import Engine
from openledger_node.evm.errors import CallTimeoutError
from openledger_node.evm.node_store import MissingStateError
from openledger_node.evm.records import Block, Header
from openledger_node.evm.witness import Witness
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ALICE, BOB, ROLLUP

LIMIT_S = 60.0


class Headers:
    def __init__(self, witness: Witness) -> None:
        self._known = {header.hash: header for header in witness.headers}

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return self._known.get(block_hash)


def two_blocks() -> Chain:
    """The second one changes, creates and clears what the first one made."""
    chain = world.open_chain()
    store = {"to": world.STORE_ADDRESS, "value": 0}
    chain.import_block(world.inputs(chain, ALICE.sign(ROLLUP, data=world.word(4), **store)))
    chain.import_block(
        world.inputs(
            chain,
            world.deposit(Address(b"\xaa" * 20), BOB.address, mint_wei=5, value_wei=5),
            ALICE.sign(ROLLUP, data=world.word(0), nonce=1, **store),
            ALICE.sign(ROLLUP, to=None, data=bytes.fromhex("60014360019003405500"), nonce=2),
        )
    )
    return chain


def executed(witness: Witness, parent: Header, block: Block, without: bytes = b"") -> Hash32:
    """The block's hash by an engine that has the witness only."""
    store = MemoryKeyValue()
    store.write([(keys.node(keccak256(node)), node) for node in witness.nodes if node != without])
    store.write([(keys.code(keccak256(code)), code) for code in witness.codes])
    engine = Engine(ROLLUP, store, Headers(witness), native_precompiles())
    raws = tuple(transaction.raw for transaction in block.transactions)
    inputs = inputs_of(block.header, raws, block.withdrawals, block.ommers)
    return engine.execute_block(parent, inputs).block.header.hash


def test_a_witness_is_enough_and_all_of_it_is_needed() -> None:
    chain = two_blocks()
    block = chain.head
    parent = chain.header_by_hash(block.header.parent_hash)
    assert parent is not None
    witness = chain.snapshot(parent).witness(block, time_limit_s=LIMIT_S)
    assert witness.headers[0] == parent
    assert executed(witness, parent, block) == block.header.hash
    assert len(set(witness.nodes)) == len(witness.nodes) > 3
    for node in witness.nodes:
        with pytest.raises(MissingStateError):
            executed(witness, parent, block, without=node)


def test_a_witness_takes_bounded_time() -> None:
    chain = two_blocks()
    parent = chain.header_by_hash(chain.head.header.parent_hash)
    with pytest.raises(CallTimeoutError):
        chain.snapshot(parent).witness(chain.head, time_limit_s=-1.0)
