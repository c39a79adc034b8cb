"""What an execution error is called, in geth's words."""

from typing import Any

from eth import exceptions

REVERTED = "execution reverted"

_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.Revert, REVERTED),
    (exceptions.OutOfGas, "out of gas"),
    (exceptions.InvalidInstruction, "invalid opcode"),
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


def halt_name(computation: Any) -> str | None:
    """None for a frame that succeeded."""
    if computation.is_success:
        return None
    error = computation.error
    return next((name for kind, name in _NAMES if isinstance(error, kind)), OTHER)
