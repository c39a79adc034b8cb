"""The contracts and the bridge's Python mean the same bytes."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.addresses import L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, L2_TO_L1_MESSAGE_PASSER
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS
from genesis.spec import OPEN_UNIT, SystemConfig
from genesis.types import ZERO_ADDRESS, Address, Hash32
from rollup_bridge.deposits.l1_attributes import GAS, L1Attributes, encode_calldata
from rollup_bridge.deposits.system_config import updated_config
from rollup_bridge.deposits.user_deposits import user_deposits
from rollup_bridge.ports import L1Log, L1Receipt, OutputParts
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.withdrawals import withdrawal as bridge
from tests.contracts.machine import Contract, Machine, Outcome
from tests.contracts.rollup import ALICE, BATCHER, BOB, OWNER, Rollup, output_with, withdrawal

addresses = st.binary(min_size=20, max_size=20).map(Address)


def receipt(outcome: Outcome) -> L1Receipt:
    logs = tuple(
        L1Log(log.address, tuple(Hash32(topic) for topic in log.topics), log.data) for log in outcome.logs
    )
    return L1Receipt(Hash32(bytes(32)), outcome.ok, logs)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.none(), addresses),
    st.integers(0, 5 * OPEN_UNIT),
    st.integers(0, 2**256 - 1),
    st.binary(max_size=200),
)
def test_deposits(rollup: Rollup, to: Address | None, mint: int, value: int, data: bytes) -> None:
    with rollup.machine.rolled_back():
        rollup.give_open(ALICE, mint)
        rollup.approve(ALICE, mint)
        target, rest = to or ZERO_ADDRESS, (value, 100_000, to is None, data)
        outcomes = [
            rollup.portal.send(ALICE, "depositERC20Transaction", target, mint, *rest),
            rollup.portal.send(ALICE, "depositTransaction", target, *rest),
        ]
        found = user_deposits(map(receipt, outcomes), rollup.at.portal, Hash32(bytes(32)))
        assert [deposit.mint_wei for deposit in found] == [mint, 0]
        for deposit in found:
            assert (deposit.sender, deposit.to, deposit.value_wei) == (ALICE, to, value)
            assert (deposit.gas, deposit.data, deposit.is_system) == (100_000, data, False)


def test_l1_attributes(l2: Machine) -> None:
    values = L1Attributes(
        base_fee_scalar=11,
        blob_base_fee_scalar=12,
        sequence_number=13,
        timestamp_s=14,
        number=15,
        base_fee_wei=16,
        blob_base_fee_wei=17,
        hash=keccak256(b"hash"),
        batcher=BATCHER,
        prev_randao=keccak256(b"randao"),
    )
    assert l2.transact(L1_ATTRIBUTES_DEPOSITOR, L1_BLOCK, encode_calldata(values), gas=GAS).ok
    contract = Contract.at(l2, L1_BLOCK, ARTIFACTS, "L1Block")
    read = {
        "baseFeeScalar": 11,
        "blobBaseFeeScalar": 12,
        "sequenceNumber": 13,
        "timestamp": 14,
        "number": 15,
        "basefee": 16,
        "blobBaseFee": 17,
        "hash": keccak256(b"hash"),
        "batcherHash": BATCHER.rjust(32, b"\0"),
        "prevRandao": keccak256(b"randao"),
    }
    assert {name: contract.read(name) for name in read} == read


def test_system_configuration(rollup: Rollup) -> None:
    outcomes = [
        rollup.system_config.send(OWNER, "setBatcherHash", BOB.rjust(32, b"\0")),
        rollup.system_config.send(OWNER, "setGasConfigEcotone", 1_500, 2_500),
        rollup.system_config.send(OWNER, "setGasLimit", 25_000_000),
        rollup.system_config.send(OWNER, "setUnsafeBlockSigner", ALICE),
    ]
    before = SystemConfig(BATCHER, 30_000_000, 1_000, 2_000)
    after = updated_config(before, map(receipt, outcomes), rollup.at.system_config)
    assert after == SystemConfig(BOB, 25_000_000, 1_500, 2_500)


def test_the_bridge_reads_and_hashes_withdrawals_as_the_contracts_do(own_l2: Machine, rollup: Rollup) -> None:
    call = bridge.initiate_calldata(BOB, 0, b"")
    outcome = own_l2.transact(ALICE, L2_TO_L1_MESSAGE_PASSER, call, OPEN_UNIT)
    [log] = outcome.logs
    leaving = bridge.read_message_passed(log.address, log.topics, log.data)
    assert leaving is not None
    slot = bridge.message_passer_slot(bridge.withdrawal_hash(leaving))
    assert own_l2.storage_at(L2_TO_L1_MESSAGE_PASSER, int.from_bytes(slot, "big")) == 1

    same = withdrawal(0, sender=ALICE, target=BOB, value=OPEN_UNIT)
    assert same.hash() == bridge.withdrawal_hash(leaving)
    output = output_with(same, others=0)
    _, state_root, passer_root, block_hash = (Hash32(part) for part in output.proof)
    parts = OutputParts(
        number=5, state_root=state_root, message_passer_storage_root=passer_root, block_hash=block_hash
    )
    assert output_root(parts) == output.root
    index = rollup.propose(output.root)
    prove = bridge.prove_calldata(leaving, index, parts, output.nodes(same))
    assert rollup.machine.transact(BOB, rollup.at.portal, prove).ok
    rollup.machine.advance(10**6)
    assert rollup.machine.transact(BOB, rollup.at.portal, bridge.finalize_calldata(leaving)).ok
    assert rollup.balance(BOB) == OPEN_UNIT
