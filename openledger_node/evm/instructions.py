"""What the dearer instructions do, from Cancun on: storage, logs, other accounts, destruction.

Each takes the run, the frame and the gas left, and returns the gas left after it. The stack holds enough
items (`NEEDED_ITEMS`).
Source: execution-specs of Cancun to Osaka; EIP-2929, 2200, 3529 (storage), 1153 (transient storage), 6780
(destruction).
"""

from collections.abc import Callable
from typing import Any

from eth.exceptions import OutOfGas, WriteProtection

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.evm.account_leaf import EMPTY_CODE_HASH
from openledger_node.evm.records import Log
from openledger_node.evm.transactions import contract_address

Handler = Callable[[Any, Any, int], int]

_ADDRESS_MASK = 2**160 - 1
_COLD_SLOT_GAS = 2_100
_COLD_ACCOUNT_GAS = 2_600
_WARM_GAS = 100
_SET_SLOT_GAS = 20_000
_RESET_SLOT_GAS = 2_900
_CLEAR_SLOT_REFUND = 4_800
_STORE_SENTRY_GAS = 2_300
_LOG_GAS = 375
_TOPIC_GAS = 375
_LOG_BYTE_GAS = 8
_COPY_WORD_GAS = 3
_BLOCK_HASH_GAS = 20
_BLOB_HASH_GAS = 3
_DESTROY_GAS = 5_000
_NEW_ACCOUNT_GAS = 25_000
MOST_MEMORY_BYTES = 2**32
"""More than any block's gas can pay for."""


def charged(gas: int, amount: int) -> int:
    """Gas left. Raises `OutOfGas`."""
    if amount > gas:
        raise OutOfGas("out of gas")
    return gas - amount


def grown(memory: bytearray, gas: int, offset: int, size: int) -> int:
    """Gas left after growing the memory to hold `size` bytes at `offset`. Raises `OutOfGas`."""
    end = offset + size
    if not size or end <= len(memory):
        return gas
    if end > MOST_MEMORY_BYTES:
        raise OutOfGas("out of gas")
    before, after = len(memory) >> 5, (end + 31) >> 5
    gas = charged(gas, 3 * (after - before) + (after * after >> 9) - (before * before >> 9))
    memory.extend(bytes((after << 5) - len(memory)))
    return gas


def created_address(creator: bytes, nonce: int, salt: int | None, initcode: bytes) -> Address:
    """Source: Yellow Paper (CREATE); EIP-1014 (CREATE2)."""
    if salt is None:
        return contract_address(Address(creator), nonce)
    return Address(keccak256(b"\xff" + creator + salt.to_bytes(32, "big") + keccak256(initcode))[12:])


def _address(word: int) -> Address:
    return Address((word & _ADDRESS_MASK).to_bytes(20, "big"))


def _refuse_static(frame: Any) -> None:
    if frame.is_static:
        raise WriteProtection("a change of state inside of a static call")


def access(run: Any, address: Address) -> int:
    """Gas for reaching an account, which is warm then."""
    if run.state.is_address_warm(address):
        return _WARM_GAS
    run.accounts.mark_address_warm(address)
    return _COLD_ACCOUNT_GAS


def _access_slot(run: Any, address: Address, slot: int) -> bool:
    """Whether the slot was cold; it is warm then."""
    if run.accounts.is_storage_warm(address, slot):
        return False
    run.accounts.mark_storage_warm(address, slot)
    return True


# -- storage ---------------------------------------------------------------------------------------------


def _load(run: Any, frame: Any, gas: int) -> int:
    slot = frame.stack[-1]
    gas = charged(gas, _COLD_SLOT_GAS if _access_slot(run, frame.address, slot) else _WARM_GAS)
    frame.stack[-1] = run.accounts.get_storage(frame.address, slot)
    return gas


def _store(run: Any, frame: Any, gas: int) -> int:
    _refuse_static(frame)
    if gas <= _STORE_SENTRY_GAS:
        raise OutOfGas("not enough gas for a store to be safe")
    slot, value = frame.stack.pop(), frame.stack.pop()
    accounts, address = run.accounts, frame.address
    current = accounts.get_storage(address, slot)
    original = accounts.get_storage(address, slot, False)
    price = _COLD_SLOT_GAS if _access_slot(run, address, slot) else 0
    if current == value or original != current:
        price += _WARM_GAS
    else:
        price += _RESET_SLOT_GAS if original else _SET_SLOT_GAS
    gas = charged(gas, price)
    refund = _store_refund(original, current, value)
    if refund:
        accounts.add_refund(refund)
    accounts.set_storage(address, slot, value)
    return gas


def _store_refund(original: int, current: int, value: int) -> int:
    """Source: EIP-3529."""
    if current == value:
        return 0
    refund = 0
    if original:
        if not current:
            refund -= _CLEAR_SLOT_REFUND
        if not value:
            refund += _CLEAR_SLOT_REFUND
    if original == value:
        refund += (_RESET_SLOT_GAS if original else _SET_SLOT_GAS) - _WARM_GAS
    return refund


def _load_transient(run: Any, frame: Any, gas: int) -> int:
    gas = charged(gas, _WARM_GAS)
    word = run.accounts.get_transient_storage(frame.address, frame.stack[-1])
    frame.stack[-1] = int.from_bytes(word, "big")
    return gas


def _store_transient(run: Any, frame: Any, gas: int) -> int:
    _refuse_static(frame)
    gas = charged(gas, _WARM_GAS)
    slot, value = frame.stack.pop(), frame.stack.pop()
    run.accounts.set_transient_storage(frame.address, slot, value.to_bytes(32, "big"))
    return gas


# -- logs ------------------------------------------------------------------------------------------------


def _log(topic_count: int) -> Handler:
    def log(run: Any, frame: Any, gas: int) -> int:
        _refuse_static(frame)
        stack, memory = frame.stack, frame.memory
        offset, size = stack.pop(), stack.pop()
        gas = charged(gas, _LOG_GAS + _TOPIC_GAS * topic_count + _LOG_BYTE_GAS * size)
        gas = grown(memory, gas, offset, size)
        topics = tuple(Hash32(stack.pop().to_bytes(32, "big")) for _ in range(topic_count))
        run.accounts.add_log(
            Log(frame.address, topics, bytes(memory[offset : offset + size]) if size else b"")
        )
        return gas

    return log


# -- accounts --------------------------------------------------------------------------------------------


def _balance(run: Any, frame: Any, gas: int) -> int:
    address = _address(frame.stack[-1])
    gas = charged(gas, access(run, address))
    frame.stack[-1] = run.accounts.get_balance(address)
    return gas


def _code_size(run: Any, frame: Any, gas: int) -> int:
    address = _address(frame.stack[-1])
    gas = charged(gas, access(run, address))
    frame.stack[-1] = len(run.accounts.get_code(address))
    return gas


def _code_hash(run: Any, frame: Any, gas: int) -> int:
    address = _address(frame.stack[-1])
    gas = charged(gas, access(run, address))
    accounts = run.accounts
    code_hash = accounts.get_code_hash(address)
    is_empty = code_hash == EMPTY_CODE_HASH and accounts.account_is_empty(address)
    frame.stack[-1] = 0 if is_empty else int.from_bytes(code_hash, "big")
    return gas


def _copy_code(run: Any, frame: Any, gas: int) -> int:
    stack, memory = frame.stack, frame.memory
    address, offset, source, size = _address(stack.pop()), stack.pop(), stack.pop(), stack.pop()
    gas = charged(gas, _COPY_WORD_GAS * ((size + 31) >> 5))
    gas = grown(memory, gas, offset, size)
    gas = charged(gas, access(run, address))
    if size:
        code = run.accounts.get_code(address)
        part = code[source : source + size] if source < len(code) else b""
        memory[offset : offset + size] = part.ljust(size, b"\0")
    return gas


def _destroy(run: Any, frame: Any, gas: int) -> int:
    _refuse_static(frame)
    accounts, address = run.accounts, frame.address
    beneficiary = _address(frame.stack.pop())
    price = _DESTROY_GAS
    if not run.state.is_address_warm(beneficiary):
        accounts.mark_address_warm(beneficiary)
        price += _COLD_ACCOUNT_GAS
    balance = accounts.get_balance(address)
    if balance and accounts.account_is_empty(beneficiary):
        price += _NEW_ACCOUNT_GAS
    gas = charged(gas, price)
    is_new = address in run.created
    if beneficiary != address:
        accounts.set_balance(beneficiary, accounts.get_balance(beneficiary) + balance)
    if beneficiary != address or is_new:
        # What a new contract leaves to itself is gone.
        accounts.set_balance(address, 0)
    accounts.touch_account(beneficiary)
    if is_new:
        accounts.destroy_later(address)
    return gas


# -- blocks and blobs ------------------------------------------------------------------------------------


def _block_hash(run: Any, frame: Any, gas: int) -> int:
    gas = charged(gas, _BLOCK_HASH_GAS)
    frame.stack[-1] = int.from_bytes(run.state.get_ancestor_hash(frame.stack[-1]), "big")
    return gas


def _blob_hash(run: Any, frame: Any, gas: int) -> int:
    gas = charged(gas, _BLOB_HASH_GAS)
    hashes, index = run.context.blob_versioned_hashes, frame.stack[-1]
    frame.stack[-1] = int.from_bytes(hashes[index], "big") if index < len(hashes) else 0
    return gas


_TABLE: dict[int, tuple[int, Handler]] = {
    0x31: (1, _balance),
    0x3B: (1, _code_size),
    0x3C: (4, _copy_code),
    0x3F: (1, _code_hash),
    0x40: (1, _block_hash),
    0x49: (1, _blob_hash),
    0x54: (1, _load),
    0x55: (2, _store),
    0x5C: (1, _load_transient),
    0x5D: (2, _store_transient),
    **{0xA0 + topics: (2 + topics, _log(topics)) for topics in range(5)},
    0xFF: (1, _destroy),
}
# CREATE, CALL, CALLCODE, RETURN, DELEGATECALL, CREATE2, STATICCALL, REVERT: the interpreter's own.
_FLOW = {0xF0: 3, 0xF1: 7, 0xF2: 7, 0xF3: 2, 0xF4: 6, 0xF5: 4, 0xFA: 6, 0xFD: 2}

HANDLERS: tuple[Handler | None, ...] = tuple(_TABLE.get(op, (0, None))[1] for op in range(256))
"""By opcode."""
NEEDED_ITEMS = bytes(
    {**{op: items for op, (items, _) in _TABLE.items()}, **_FLOW}.get(op, 0) for op in range(256)
)
"""On the stack, by opcode."""
