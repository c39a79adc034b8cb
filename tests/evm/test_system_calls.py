"""What the protocol does in each block by itself: withdrawals and requests on Ethereum."""

import hashlib
from dataclasses import replace

import pytest

from genesis.spec import DEPOSIT_CONTRACT
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import Log, Withdrawal
from openledger_node.evm.system_calls import _deposit_request
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ETHEREUM

PAID = Address(b"\xbb" * 20)


def test_withdrawals_pay_in_gwei_and_are_committed_to() -> None:
    chain = world.open_chain(ETHEREUM)
    withdrawals = (Withdrawal(0, 1, PAID, 3), Withdrawal(1, 1, Address(b"\xbc" * 20), 0))
    block = chain.import_block(world.inputs(chain, withdrawals=withdrawals))
    assert world.balance(chain, PAID) == 3 * 10**9
    assert not chain.snapshot().account(Address(b"\xbc" * 20)).exists
    assert block.withdrawals == withdrawals
    assert block.supply_change.minted_wei == 3 * 10**9
    assert block.supply_change.burned_wei == 0


def test_a_rollup_refuses_withdrawals() -> None:
    chain = world.open_chain()
    with pytest.raises(InvalidBlockError, match="no withdrawals"):
        chain.import_block(world.inputs(chain, withdrawals=(Withdrawal(0, 1, PAID, 3),)))


def test_chains_without_a_consensus_layer_have_no_requests() -> None:
    chain = world.open_chain(ETHEREUM)
    block = chain.import_block(world.inputs(chain))
    assert block.header.requests_hash == hashlib.sha256(b"").digest()


def test_request_contracts_must_be_there_where_requests_are() -> None:
    spec = replace(ETHEREUM, has_execution_requests=True)
    chain = Chain.open(spec, MemoryKeyValue(), world.allocation(), world.GENESIS_TIME_S)
    with pytest.raises(InvalidBlockError, match="missing or failed"):
        chain.import_block(world.inputs(chain))


def _deposit_log() -> bytes:
    fields = ((b"k" * 48, 64), (b"c" * 32, 32), (b"a" * 8, 32), (b"s" * 96, 96), (b"i" * 8, 32))
    offsets, tail, at = b"", b"", 160
    for content, room in fields:
        offsets += world.word(at)
        tail += world.word(len(content)) + content.ljust(room, b"\0")
        at += 32 + room
    return offsets + tail


def test_deposit_logs_become_requests() -> None:
    data = _deposit_log()
    request = _deposit_request(Log(DEPOSIT_CONTRACT, (), data))
    assert request == b"k" * 48 + b"c" * 32 + b"a" * 8 + b"s" * 96 + b"i" * 8
    for malformed in (data[:-1], world.word(161) + data[32:], data[:160] + world.word(47) + data[192:]):
        with pytest.raises(InvalidBlockError, match="malformed"):
            _deposit_request(Log(DEPOSIT_CONTRACT, (), malformed))
