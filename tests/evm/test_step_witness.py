"""A step's witness is enough to run it, nothing in it is idle, and steps make the block that was executed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.block_steps import Sealed, StepError, StepState
from openledger_node.evm.records import Header
from openledger_node.evm.step_witness import BlockSteps, StepWitness
from tests.conformance.steps import objections
from tests.evm import world
from tests.evm.test_witness import two_blocks
from tests.evm.world import ALICE, ETHEREUM, ROLLUP


def parent_of(chain: Chain) -> Header:
    parent = chain.header_by_hash(chain.head.header.parent_hash)
    assert parent is not None
    return parent


@pytest.fixture(scope="module")
def chain() -> Chain:
    """Its head has a deposit, a call and a creation."""
    return two_blocks()


@pytest.fixture(scope="module")
def steps(chain: Chain) -> BlockSteps:
    return chain.engine.steps(parent_of(chain), chain.head)


def test_steps_make_the_block(chain: Chain) -> None:
    assert objections(chain.engine, parent_of(chain), chain.head) == []


def test_a_block_without_transactions_has_two_steps() -> None:
    chain = world.open_chain()
    chain.import_block(world.inputs(chain))
    assert objections(chain.engine, parent_of(chain), chain.head) == []
    assert len(chain.engine.steps(parent_of(chain), chain.head).states) == 1


def test_sealing_tells_what_an_output_root_is_made_of(chain: Chain, steps: BlockSteps) -> None:
    sealed = chain.engine.run_step(steps.witness(4), 4)
    assert isinstance(sealed, Sealed)
    assert sealed.header == chain.head.header
    passer = chain.snapshot().prove(L2_TO_L1_MESSAGE_PASSER, ())
    assert sealed.message_passer_root == passer.storage_root


@pytest.mark.parametrize("number", range(5))
def test_a_step_without_any_one_node_leads_nowhere(chain: Chain, steps: BlockSteps, number: int) -> None:
    witness = steps.witness(number)
    for left_out in witness.nodes:
        poorer = replace(witness, nodes=tuple(node for node in witness.nodes if node != left_out))
        with pytest.raises(StepError, match="missing"):
            chain.engine.run_step(poorer, number)


def test_another_state_before_leads_to_another_claim_or_nowhere(chain: Chain, steps: BlockSteps) -> None:
    witness = steps.witness(2)
    before = steps.states[1]
    after = chain.engine.run_step(replace(witness, before=replace(before, cumulative_gas=7)), 2)
    assert isinstance(after, StepState)
    assert after.claim != steps.states[2].claim
    with pytest.raises(StepError, match="missing"):
        chain.engine.run_step(replace(witness, before=replace(before, state_root=Hash32(b"x" * 32))), 2)


def test_an_invalid_transaction_leads_nowhere(chain: Chain, steps: BlockSteps) -> None:
    """Transactions 2 and 3 are of one sender: where 2 has not run, the nonce of 3 is too high."""
    nodes = {node for number in (1, 2, 3) for node in steps.witness(number).nodes}
    witness = replace(steps.witness(3), before=steps.states[1], nodes=tuple(nodes))
    with pytest.raises(StepError, match="nonce"):
        chain.engine.run_step(witness, 3)


def test_steps_outside_of_the_block_lead_nowhere(chain: Chain, steps: BlockSteps) -> None:
    witness = steps.witness(1)
    with pytest.raises(StepError, match="no step 9"):
        chain.engine.run_step(witness, 9)
    with pytest.raises(StepError, match="before the step"):
        chain.engine.run_step(replace(witness, before=None), 1)
    with pytest.raises(StepError, match="parent"):
        chain.engine.run_step(replace(witness, headers=()), 1)


def test_block_hashes_come_from_the_witness() -> None:
    """PUSH1 1, NUMBER, SUB ... BLOCKHASH of the third last block, stored."""
    chain = world.open_chain(ETHEREUM)
    for _ in range(4):
        chain.import_block(world.inputs(chain))
    code = bytes.fromhex("6003430340600055")
    chain.import_block(world.inputs(chain, ALICE.sign(ETHEREUM, to=None, data=code)))
    assert objections(chain.engine, parent_of(chain), chain.head) == []
    witness = chain.engine.steps(parent_of(chain), chain.head).witness(1)
    assert len(witness.headers) == 2
    with pytest.raises(StepError, match="missing header"):
        chain.engine.run_step(replace(witness, headers=witness.headers[:1]), 1)


def test_encoding_is_the_witness(steps: BlockSteps) -> None:
    for number in range(5):
        witness = steps.witness(number)
        assert StepWitness.decode(witness.encode()) == witness


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_spoilt_witness_is_refused_or_leads_elsewhere(data: st.DataObject) -> None:
    chain = _cached()
    steps = chain.engine.steps(parent_of(chain), chain.head)
    number = data.draw(st.integers(0, 4))
    encoded = bytearray(steps.witness(number).encode())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        witness = StepWitness.decode(bytes(encoded))
        result = chain.engine.run_step(witness, number)
    except StepError:
        return
    right = number < 4 and isinstance(result, StepState) and result == steps.states[number]
    same_ground = witness.opening == steps.opening and (
        number == 0 or witness.before == steps.states[number - 1]
    )
    if same_ground and number < 4:
        assert right


_CHAINS: list[Chain] = []


def _cached() -> Chain:
    if not _CHAINS:
        _CHAINS.append(two_blocks())
    return _CHAINS[0]


def test_a_rollups_deposit_runs_from_a_witness() -> None:
    chain = world.open_chain()
    chain.import_block(
        world.inputs(chain, world.deposit(Address(b"\xaa" * 20), None, mint_wei=9, value_wei=3))
    )
    assert chain.engine.spec == ROLLUP
    assert objections(chain.engine, parent_of(chain), chain.head) == []
