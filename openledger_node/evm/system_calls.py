"""What the protocol itself does to the state in each block, outside of transactions.

Covered: the beacon root (EIP-4788), the parent's hash (EIP-2935), withdrawals (EIP-4895), requests to the
consensus layer (EIP-6110, EIP-7002, EIP-7251). Building and importing call the same functions.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth.vm.message import Message

from genesis.addresses import BEACON_ROOTS, HISTORY_STORAGE, SYSTEM_CALLER
from genesis.forks import Fork
from genesis.types import Address, Hash32
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import Log, Withdrawal
from openledger_node.evm.vm import MachineState

_SYSTEM_CALL_GAS = 30_000_000
_WEI_PER_GWEI = 10**9

WITHDRAWAL_REQUESTS = Address(bytes.fromhex("00000961ef480eb55e80d19ad83579a64c007002"))
CONSOLIDATION_REQUESTS = Address(bytes.fromhex("0000bbddc7ce488642fb579f8b00f3a590007251"))
_DEPOSIT_TOPIC = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
_DEPOSIT_LOG_BYTES = 576
# Offsets and sizes of the five fields of a deposit log: public key, credentials, amount, signature, index.
_DEPOSIT_FIELDS = ((192, 48), (288, 32), (352, 8), (416, 96), (544, 8))
_DEPOSIT_OFFSETS = (160, 256, 320, 384, 512)
_DEPOSIT_TYPE, _WITHDRAWAL_TYPE, _CONSOLIDATION_TYPE = b"\x00", b"\x01", b"\x02"


def begin_block(state: MachineState, parent_beacon_block_root: Hash32, parent_hash: Hash32) -> None:
    """What runs before the first transaction. A contract that is not there is skipped."""
    if state.fork >= Fork.CANCUN:
        _system_call(state, BEACON_ROOTS, parent_beacon_block_root)
    if state.fork >= Fork.PRAGUE:
        _system_call(state, HISTORY_STORAGE, parent_hash)


def apply_withdrawals(state: MachineState, withdrawals: Iterable[Withdrawal]) -> int:
    """Returns what was paid, in wei: it comes from outside the chain."""
    accounts = state.accounts
    paid_wei = 0
    for withdrawal in withdrawals:
        amount_wei = withdrawal.amount_gwei * _WEI_PER_GWEI
        accounts.set_balance(withdrawal.address, accounts.get_balance(withdrawal.address) + amount_wei)
        paid_wei += amount_wei
    accounts.end_transaction()
    return paid_wei


def collect_requests(
    state: MachineState, logs: Sequence[Log], deposit_contract: Address
) -> tuple[bytes, ...]:
    """Run the request contracts; all requests of the block, type byte first (EIP-7685). Raises
    `InvalidBlockError`."""
    deposits = (log for log in logs if log.address == deposit_contract and _is_deposit(log))
    requests = (
        _DEPOSIT_TYPE + b"".join(map(_deposit_request, deposits)),
        _WITHDRAWAL_TYPE + _required_system_call(state, WITHDRAWAL_REQUESTS),
        _CONSOLIDATION_TYPE + _required_system_call(state, CONSOLIDATION_REQUESTS),
    )
    return tuple(request for request in requests if len(request) > 1)


def hash_of_requests(requests: Iterable[bytes]) -> Hash32:
    """Source: EIP-7685."""
    hashes = (hashlib.sha256(request).digest() for request in requests)
    return Hash32(hashlib.sha256(b"".join(hashes)).digest())


def _system_call(state: MachineState, target: Address, data: bytes) -> Any:
    """Call a contract as the protocol; None if it has no code."""
    code = state.accounts.get_code(target)
    if not code:
        return None
    message = Message(
        gas=_SYSTEM_CALL_GAS, to=target, sender=SYSTEM_CALLER, value=0, data=bytes(data), code=code
    )
    context = CancunTransactionContext(gas_price=0, origin=SYSTEM_CALLER)
    computation = state.run(message, context)
    state.accounts.end_transaction()
    return computation


def _required_system_call(state: MachineState, target: Address) -> bytes:
    computation = _system_call(state, target, b"")
    if computation is None or computation.is_error:
        raise InvalidBlockError(f"the system contract 0x{target.hex()} is missing or failed")
    output: bytes = computation.output
    return output


def _is_deposit(log: Log) -> bool:
    return log.topics[:1] == (_DEPOSIT_TOPIC,)


def _deposit_request(log: Log) -> bytes:
    """Source: EIP-6110; execution-specs `parse_deposit_data`."""
    data = log.data
    offsets = [int.from_bytes(data[i * 32 : i * 32 + 32], "big") for i in range(5)]
    if len(data) != _DEPOSIT_LOG_BYTES or tuple(offsets) != _DEPOSIT_OFFSETS:
        raise InvalidBlockError("malformed deposit log")
    for start, size in _DEPOSIT_FIELDS:
        if int.from_bytes(data[start - 32 : start], "big") != size:
            raise InvalidBlockError("malformed deposit log")
    return b"".join(data[start : start + size] for start, size in _DEPOSIT_FIELDS)
