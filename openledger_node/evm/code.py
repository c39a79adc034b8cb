"""Where a jump may land in a piece of code.

A regular expression walks the instructions, about ten times faster than a loop: a block may bring a
thousand codes that nobody has seen, each of them made so that walking it takes long.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache

from eth.exceptions import InvalidJumpDestination
from eth.vm.code_stream import CodeStream

_STOP = 0x00
_JUMPDEST = 0x5B
_PUSH1 = 0x60
_PUSHES = 32
BYTES_PER_MARK = 256
DELEGATION_PREFIX = bytes.fromhex("ef0100")

# Whole instructions, as many as there are: runs of one-byte ones, and each push with its data.
_PUSH_WITH_DATA = b"|".join(re.escape(bytes((_PUSH1 + n,))) + b".{%d}" % (n + 1) for n in range(_PUSHES))
_INSTRUCTIONS = re.compile(b"(?s)(?:[^\x60-\x7f]++|" + _PUSH_WITH_DATA + b")*+")


Walk = Callable[[bytes, int, int], int]


class JumpTable:
    """The jump destinations of one code: JUMPDEST instructions that are no push data."""

    def __init__(
        self, code: bytes, walk: Walk | None = None, marks: Callable[[bytes], list[int]] | None = None
    ) -> None:
        """`walk` and `marks` are other ways to do what `end_of_instructions` and `find_marks` do."""
        self._code = code
        self._walk = walk or end_of_instructions
        self._marks = (marks or find_marks)(code)
        self.destinations: set[int] = set()
        """Those that were asked for."""

    def holds(self, position: int) -> bool:
        if position in self.destinations:
            return True
        # What is no destination is not remembered: there is no end of it.
        if position >= len(self._code) or self._code[position] != _JUMPDEST:
            return False
        if not self._begins_instruction(position):
            return False
        self.destinations.add(position)
        return True

    def _begins_instruction(self, position: int) -> bool:
        mark = self._marks[bisect_right(self._marks, position) - 1]
        return self._walk(self._code, mark, position) == position


def find_marks(code: bytes) -> list[int]:
    """Where instructions begin, one in every few hundred bytes."""
    marks = [0]
    while (end := end_of_instructions(code, marks[-1], marks[-1] + BYTES_PER_MARK)) > marks[-1]:
        marks.append(end)
    return marks


def end_of_instructions(code: bytes, start: int, limit: int) -> int:
    """End of the last whole instruction from `start`, where one begins, before `limit`."""
    match = _INSTRUCTIONS.match(code, start, limit)
    assert match is not None, "nothing at all matches too"
    return match.end()


jump_table = lru_cache(maxsize=1_000)(JumpTable)


class Code(CodeStream):  # type: ignore[misc]  # py-evm is untyped here
    """py-evm's reader looks back from a destination by recursion, as deep as the code is long; this one does
    not."""

    def __iter__(self) -> Iterator[int]:
        """py-evm's, but the STOP after the last instruction counts as one, as traces show it."""
        code = self._raw_code_bytes
        while True:
            try:
                opcode = code[self.program_counter]
            except IndexError:
                break
            self.program_counter += 1
            yield opcode
        self.program_counter += 1
        yield _STOP

    def is_valid_opcode(self, position: int) -> bool:
        """Asked by jumps only. Raises `InvalidJumpDestination`, for which py-evm has a wrong name here."""
        if not jump_table(self._raw_code_bytes).holds(position):
            raise InvalidJumpDestination("invalid jump destination")
        return True


def delegation_target(code: bytes) -> bytes | None:
    """The address that an EIP-7702 delegation names, or None if `code` is no delegation."""
    return code[3:] if len(code) == 23 and code.startswith(DELEGATION_PREFIX) else None
