"""Where a jump may land in a piece of code."""

from functools import lru_cache

from eth.vm.code_stream import CodeStream

_JUMPDEST = 0x5B
_PUSH1, _PUSH32 = 0x60, 0x7F
DELEGATION_PREFIX = bytes.fromhex("ef0100")


@lru_cache(maxsize=1_000)
def jump_destinations(code: bytes) -> frozenset[int]:
    """Positions of JUMPDEST instructions that are no push data."""
    found = []
    position = 0
    while position < len(code):
        opcode = code[position]
        if opcode == _JUMPDEST:
            found.append(position)
        elif _PUSH1 <= opcode <= _PUSH32:
            position += opcode - _PUSH1 + 1
        position += 1
    return frozenset(found)


class Code(CodeStream):  # type: ignore[misc]  # py-evm is untyped here
    """py-evm's reader looks back from a destination by recursion, as deep as the code is long; this one does
    not."""

    def is_valid_opcode(self, position: int) -> bool:
        return position in jump_destinations(self._raw_code_bytes)


def delegation_target(code: bytes) -> bytes | None:
    """The address that an EIP-7702 delegation names, or None if `code` is no delegation."""
    return code[3:] if len(code) == 23 and code.startswith(DELEGATION_PREFIX) else None
