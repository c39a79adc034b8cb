"""Which deposits an L1 block forces into L2: the portal's TransactionDeposited events, in log order.

Covered: events of the portal only, of successful transactions only, opaque data version 0.
Not covered: an event the portal cannot emit. It stops the node: skipping it on one node would split the
chain.
Source: OP Stack specification, deposits, "Deposit Contract", opaque data version 0.
"""

from collections.abc import Iterable, Iterator

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.deposits import abi
from rollup_bridge.deposits.source_hash import user_deposit_source
from rollup_bridge.deposits.transaction import Deposit
from rollup_bridge.errors import CriticalError, MalformedError
from rollup_bridge.ports import L1Log, L1Receipt

TRANSACTION_DEPOSITED_TOPIC = keccak256(b"TransactionDeposited(address,address,uint256,bytes)")
_FIXED_BYTES = 73
"""mint 32, value 32, gas 8, is_creation 1."""


def user_deposits(
    receipts: Iterable[L1Receipt], portal: Address, l1_block_hash: Hash32
) -> tuple[Deposit, ...]:
    """All deposits of one L1 block; `CriticalError` if an event of the portal cannot be read."""
    found: list[Deposit] = []
    for index, log in _indexed_logs(receipts):
        if log.address != portal or log.topics[:1] != (TRANSACTION_DEPOSITED_TOPIC,):
            continue
        try:
            found.append(decode_deposit_log(log, user_deposit_source(l1_block_hash, index)))
        except MalformedError as error:
            raise CriticalError(
                f"deposit event {index} of L1 block 0x{l1_block_hash.hex()}: {error}"
            ) from error
    return tuple(found)


def _indexed_logs(receipts: Iterable[L1Receipt]) -> Iterator[tuple[int, L1Log]]:
    """Every log with its index in the block; a failed transaction has none."""
    index = 0
    for receipt in receipts:
        for log in receipt.logs:
            if receipt.succeeded:
                yield index, log
            index += 1


def decode_deposit_log(log: L1Log, source_hash: Hash32) -> Deposit:
    """One TransactionDeposited event; `MalformedError` if it is not version 0 or not well formed."""
    if len(log.topics) != 4:
        raise MalformedError(f"{len(log.topics)} topics instead of 4")
    if any(log.topics[3]):
        raise MalformedError("unknown deposit version")
    opaque = abi.single_bytes(log.data)
    if len(opaque) < _FIXED_BYTES:
        raise MalformedError("opaque data is too short")
    is_creation = opaque[72] != 0
    return Deposit(
        source_hash=source_hash,
        sender=_topic_address(log.topics[1]),
        to=None if is_creation else _topic_address(log.topics[2]),
        mint_wei=int.from_bytes(opaque[0:32], "big"),
        value_wei=int.from_bytes(opaque[32:64], "big"),
        gas=int.from_bytes(opaque[64:72], "big"),
        is_system=False,
        data=opaque[_FIXED_BYTES:],
    )


def _topic_address(topic: Hash32) -> Address:
    return Address(topic[12:])
