"""What an execution error is called, in geth's words."""

from typing import Any

from eth import exceptions

REVERTED = "execution reverted"
INVALID_OPCODE = "invalid opcode"
OUT_OF_GAS = "out of gas"
STACK_UNDERFLOW = "stack underflow"
STACK_OVERFLOW = "stack limit reached 1024 (1023)"
TOO_DEEP = "max call depth exceeded"
INSUFFICIENT_BALANCE = "insufficient balance for transfer"

_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.Revert, REVERTED),
    (exceptions.OutOfGas, OUT_OF_GAS),
    (exceptions.InvalidJumpDestination, "invalid jump destination"),
    (exceptions.InsufficientStack, STACK_UNDERFLOW),
    (exceptions.FullStack, STACK_OVERFLOW),
    (exceptions.WriteProtection, "write protection"),
    (exceptions.StackDepthLimit, TOO_DEEP),
    (exceptions.InsufficientFunds, INSUFFICIENT_BALANCE),
    (exceptions.ContractCreationCollision, "contract address collision"),
    (exceptions.OutOfBoundsRead, "return data out of bounds"),
    (exceptions.ReservedBytesInCode, "invalid code: must not begin with 0xef"),
)
OTHER = "execution failed"


_DESIGNATED_INVALID = 0xFE


class UndefinedOpcode(exceptions.InvalidInstruction):  # type: ignore[misc]  # py-evm is untyped here
    """The code came to a byte that is no instruction."""

    def __init__(self, opcode: int) -> None:
        super().__init__(f"opcode {opcode:#x}")
        self.opcode = opcode


def halt_name(computation: Any) -> str | None:
    """None for a frame that succeeded."""
    if computation.is_success:
        return None
    error = computation.error
    if isinstance(error, UndefinedOpcode):
        return f"{INVALID_OPCODE}: {_undefined(error.opcode)}"
    if isinstance(error, exceptions.InvalidInstruction):
        code = computation.code
        return f"{INVALID_OPCODE}: {_undefined(code[code.program_counter - 1])}"
    return next((name for kind, name in _NAMES if isinstance(error, kind)), OTHER)


def _undefined(opcode: int) -> str:
    """The instruction that the code stopped at."""
    return "INVALID" if opcode == _DESIGNATED_INVALID else f"opcode {opcode:#x} not defined"
