"""How tracers read py-evm frames: stacks, gas, names, and values as JSON shows them."""

from typing import Any


def stack(frame: Any) -> list[int]:
    """Bottom first."""
    return [
        value if isinstance(value, int) else int.from_bytes(value, "big") for value in frame._stack.values
    ]


def peek(frame: Any, depth: int) -> int | None:
    """The item `depth` below the top, or None on a stack too short."""
    values = frame._stack.values
    if depth >= len(values):
        return None
    return _word(values[-1 - depth])


def _word(value: int | bytes) -> int:
    return value if isinstance(value, int) else int.from_bytes(value, "big")


def gas_left(frame: Any) -> int:
    """Gas that the frame may still use."""
    gas: int = frame._gas_meter.gas_remaining
    return gas


def memory_size(frame: Any) -> int:
    """Bytes of memory in use."""
    return len(frame._memory._bytes)


def memory(frame: Any) -> bytes:
    """A copy of the frame's memory."""
    return bytes(frame._memory._bytes)


def quantity(value: int) -> str:
    """An integer as JSON-RPC writes it."""
    return hex(value)


def data(value: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return "0x" + value.hex()


ADDRESS_AT = {
    "BALANCE": 0,
    "EXTCODESIZE": 0,
    "EXTCODECOPY": 0,
    "EXTCODEHASH": 0,
    "SELFDESTRUCT": 0,
    "CALL": 1,
    "CALLCODE": 1,
    "DELEGATECALL": 1,
    "STATICCALL": 1,
}
"""Where on the stack an instruction finds the account it touches."""
_NAMES = {"SHA3": "KECCAK256", "PREVRANDAO": "DIFFICULTY"}
_INVALID = 0xFE


def opcode_name(opcode: int, mnemonic: str) -> str:
    """What geth calls an instruction."""
    if mnemonic == "INVALID" and opcode != _INVALID:
        return f"opcode {opcode:#x} not defined"
    return _NAMES.get(mnemonic, mnemonic)


def address_of(word: int) -> bytes:
    """The low 20 bytes of a stack item."""
    return (word & (1 << 160) - 1).to_bytes(20, "big")
