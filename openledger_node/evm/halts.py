"""What an execution error is called, in geth's words."""

from typing import Any

from eth import exceptions

REVERTED = "execution reverted"
INVALID_OPCODE = "invalid opcode"

_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.Revert, REVERTED),
    (exceptions.OutOfGas, "out of gas"),
    (exceptions.InvalidJumpDestination, "invalid jump destination"),
    (exceptions.InsufficientStack, "stack underflow"),
    (exceptions.FullStack, "stack limit reached 1024 (1023)"),
    (exceptions.WriteProtection, "write protection"),
    (exceptions.StackDepthLimit, "max call depth exceeded"),
    (exceptions.InsufficientFunds, "insufficient balance for transfer"),
    (exceptions.ContractCreationCollision, "contract address collision"),
    (exceptions.OutOfBoundsRead, "return data out of bounds"),
    (exceptions.ReservedBytesInCode, "invalid code: must not begin with 0xef"),
)
OTHER = "execution failed"


_DESIGNATED_INVALID = 0xFE


def halt_name(computation: Any) -> str | None:
    """None for a frame that succeeded."""
    if computation.is_success:
        return None
    error = computation.error
    if isinstance(error, exceptions.InvalidInstruction):
        return f"{INVALID_OPCODE}: {_undefined(computation.code)}"
    return next((name for kind, name in _NAMES if isinstance(error, kind)), OTHER)


def _undefined(code: Any) -> str:
    """The instruction that `code` stopped at."""
    opcode = code[code.program_counter - 1]
    return "INVALID" if opcode == _DESIGNATED_INVALID else f"opcode {opcode:#x} not defined"
