"""How the benchmark's contracts are put together from mnemonics."""

from collections.abc import Iterable

from eth import constants  # noqa: F401 - py-evm's opcode table needs its package loaded
from eth.vm import opcode_values

_VALUES: dict[str, int] = {
    name: value for name, value in vars(opcode_values).items() if name.isupper() and isinstance(value, int)
}
_VALUES |= {"CLZ": 0x1E, "KECCAK256": 0x20, "PREVRANDAO": 0x44, "BLOBHASH": 0x49, "BLOBBASEFEE": 0x4A}
_VALUES |= {"TLOAD": 0x5C, "TSTORE": 0x5D, "MCOPY": 0x5E, "PUSH0": 0x5F, "BASEFEE": 0x48}
"""Names that py-evm gives none, or another."""


def assemble(text: str) -> bytes:
    """Bytecode of mnemonics; a number, decimal or hexadecimal, is pushed in as few bytes as it takes."""
    return b"".join(_one(word) for word in text.split())


def _one(word: str) -> bytes:
    if word[0].isdigit():
        return push(int(word, 0))
    return bytes((_VALUES[word],))


def push(value: int) -> bytes:
    size = max((value.bit_length() + 7) // 8, 1)
    return bytes((0x5F + size,)) + value.to_bytes(size, "big")


def loop(setup: str, body: str, *, times: int = 40, reserve_gas: int | None = None) -> bytes:
    """Runs `setup`, then `body` until the gas is gone; if less than `reserve_gas` is left, it stops in peace.

    The body must leave the stack as high as it found it.
    """
    head = assemble(setup)
    target = b"\x61" + len(head).to_bytes(2, "big")
    back = assemble("JUMP") if reserve_gas is None else assemble("JUMPI STOP")
    check = b"" if reserve_gas is None else assemble(f"GAS {reserve_gas} LT")
    return head + assemble("JUMPDEST") + assemble(body) * times + check + target + back


def call_precompile(number: int, input_bytes: int, output_bytes: int = 64) -> str:
    """Body that calls a precompile on the first bytes of memory."""
    return f"{output_bytes} {input_bytes} {input_bytes} 0 {number} GAS STATICCALL POP"


LOAD_INPUT = "CALLDATASIZE 0 0 CALLDATACOPY"


def distinct(count: int, size: int) -> Iterable[bytes]:
    """Codes of jump destinations, no two alike."""
    for index in range(count):
        yield index.to_bytes(4, "big").rjust(5, b"\x63") + b"\x5b" * (size - 5)
