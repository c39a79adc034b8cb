"""Random bytecode that gets somewhere: statements that leave the stack as it was, and some that do not.

Every opcode is written, Osaka's CLZ included, but BLOCKHASH: the engines get no ancestors.
"""

from collections.abc import Callable, Sequence
from random import Random

from genesis.forks import Fork
from tests.differential.inputs import PRECOMPILES, number, precompile_input, small

_UNARY = (0x15, 0x19)
_CLZ = 0x1E
_BINARY = (*range(0x01, 0x08), 0x0A, 0x0B, *range(0x10, 0x15), *range(0x16, 0x19), *range(0x1A, 0x1E))
_TERNARY = (0x08, 0x09)
_READS = bytes.fromhex("303233343638 3a3d 41424344454647484a 58595a 5f")
_MOST_DEPTH = 3
_MOST_STATEMENTS = 12


class Program:
    """Code under construction. `others` are addresses worth calling."""

    def __init__(self, random: Random, others: Sequence[bytes], fork: Fork) -> None:
        self._random = random
        self._fork = fork
        self._unary = (*_UNARY, _CLZ, _CLZ) if fork >= Fork.OSAKA or random.random() < 0.05 else _UNARY
        self._others = others
        self._code = bytearray()
        self._statements: list[tuple[Callable[[int], None], int]] = [
            (self._store_value, 12),
            (self._read_storage, 8),
            (self._transient, 4),
            (self._memory, 8),
            (self._copy, 8),
            (self._hash, 4),
            (self._log, 4),
            (self._account_read, 6),
            (self._call, 12),
            (self._precompile, 8),
            (self._create, 6),
            (self._loop, 4),
            (self._branch, 6),
            (self._stack_play, 6),
            (self._return_data, 4),
            (self._oddity, 1),
        ]

    def build(self) -> bytes:
        """The whole code."""
        self._block(self._random.randrange(1, _MOST_STATEMENTS), 0)
        self._end()
        return bytes(self._code)

    def _block(self, statements: int, depth: int) -> None:
        writers, weights = zip(*self._statements, strict=True)
        for write in self._random.choices(writers, weights, k=statements):
            write(depth)

    # -- words -------------------------------------------------------------------------------------------

    def _op(self, *opcodes: int) -> None:
        self._code += bytes(opcodes)

    def _push(self, value: int) -> None:
        size = max((value.bit_length() + 7) // 8, 1)
        if self._random.random() < 0.05:
            size = 32
        self._code += bytes((0x5F + size,)) + value.to_bytes(size, "big")

    def _value(self) -> None:
        """One word more on the stack."""
        kind = self._random.randrange(10)
        if kind < 3:
            self._op(self._random.choice(_READS))
        elif kind == 3:
            self._push(small(self._random))
            self._op(0x35)
        else:
            self._push(number(self._random))

    def _expression(self) -> None:
        """One word more on the stack, computed."""
        kind = self._random.randrange(8)
        if kind == 0:
            self._value()
            self._op(self._random.choice(self._unary))
        elif kind < 6:
            self._value()
            self._value()
            self._op(self._random.choice(_BINARY))
        elif kind == 6:
            for _ in range(3):
                self._value()
            self._op(self._random.choice(_TERNARY))
        else:
            self._value()

    def _slot(self) -> None:
        self._push(self._random.choice((0, 1, 2, 3, 4, 5, 2**255)))

    def _sizes(self, count: int) -> None:
        for _ in range(count):
            self._push(small(self._random))

    def _address(self) -> None:
        kind = self._random.randrange(12)
        if kind == 0:
            self._push(self._random.choice(PRECOMPILES))
        elif kind == 1:
            self._push(self._random.getrandbits(160))
        elif kind == 2:
            self._op(self._random.choice((0x30, 0x32, 0x33, 0x41)))
        else:
            self._push(int.from_bytes(self._random.choice(self._others), "big"))

    def _keep(self) -> None:
        """The word on top goes where it is seen."""
        if self._random.random() < 0.7:
            self._slot()
            self._op(0x55)
        else:
            self._push(32 * self._random.randrange(4))
            self._op(0x52)

    # -- statements ----------------------------------------------------------------------------------------

    def _store_value(self, _: int) -> None:
        self._expression()
        self._keep()

    def _read_storage(self, _: int) -> None:
        self._slot()
        self._op(0x54)
        self._keep()

    def _transient(self, _: int) -> None:
        self._expression()
        self._slot()
        self._op(0x5D)
        self._slot()
        self._op(0x5C)
        self._keep()

    def _memory(self, _: int) -> None:
        self._expression()
        self._sizes(1)
        self._op(self._random.choice((0x52, 0x53)))
        self._sizes(1)
        self._op(0x51)
        self._keep()

    def _copy(self, _: int) -> None:
        self._sizes(3)
        opcode = self._random.choice((0x37, 0x39, 0x3C, 0x5E))
        if opcode == 0x3C:
            self._address()
        self._op(opcode)

    def _hash(self, _: int) -> None:
        self._sizes(2)
        self._op(0x20)
        self._keep()

    def _log(self, _: int) -> None:
        topics = self._random.randrange(5)
        for _ in range(topics):
            self._value()
        self._sizes(2)
        self._op(0xA0 + topics)

    def _account_read(self, _: int) -> None:
        if self._random.random() < 0.2:
            self._push(self._random.randrange(3))
            self._op(0x49)
        else:
            self._address()
            self._op(self._random.choice((0x31, 0x3B, 0x3F)))
        self._keep()

    def _gas(self) -> None:
        if self._random.random() < 0.7:
            self._op(0x5A)
        else:
            self._push(self._random.choice((0, 1, 700, 2300, 5_000, 30_000, 2**63)))

    def _call(self, _: int) -> None:
        opcode = self._random.choice((0xF1, 0xF1, 0xF1, 0xF2, 0xF4, 0xFA))
        self._sizes(4)
        if opcode in (0xF1, 0xF2):
            self._push(self._random.choice((0, 0, 0, 1, 1000, 2**100)))
        self._address()
        self._gas()
        self._op(opcode)
        self._keep()

    def _precompile(self, _: int) -> None:
        target = self._random.choice(PRECOMPILES)
        data = precompile_input(self._random, target)
        self._bytes_in_memory(data)
        opcode = self._random.choice((0xF1, 0xFA, 0xF4))
        self._push(self._random.choice((0, 32, 64, 128)))
        self._push(self._random.choice((0, 64, len(data))))
        self._push(len(data))
        self._push(0)
        if opcode == 0xF1:
            self._push(0)
        self._push(target)
        self._gas()
        self._op(opcode)
        self._keep()
        self._return_data(0)

    def _bytes_in_memory(self, data: bytes) -> None:
        for start in range(0, len(data), 32):
            self._code += b"\x7f" + data[start : start + 32].ljust(32, b"\0")
            self._push(start)
            self._op(0x52)

    def _create(self, _: int) -> None:
        code = initcode(self._random, self._others, self._fork)
        self._bytes_in_memory(code)
        opcode = self._random.choice((0xF0, 0xF5))
        if opcode == 0xF5:
            self._push(self._random.randrange(2))
        self._push(len(code))
        self._push(0)
        self._push(self._random.choice((0, 0, 1)))
        self._op(opcode)
        if self._random.random() < 0.5:
            # Call what was created: dup it under the operands of a call.
            self._op(0x80)
            self._code += bytes.fromhex("5f5f5f5f5f85") + b"\x5a\xf1\x50\x50"
        self._keep()

    def _loop(self, depth: int) -> None:
        if depth >= _MOST_DEPTH:
            return
        self._push(self._random.randrange(1, 5))
        start = len(self._code)
        self._op(0x5B)
        self._block(self._random.randrange(1, 3), depth + 1)
        self._op(0x60, 0x01, 0x90, 0x03, 0x80)
        self._code += b"\x61" + start.to_bytes(2, "big") + b"\x57\x50"

    def _branch(self, depth: int) -> None:
        if depth >= _MOST_DEPTH:
            return
        self._expression()
        self._code += b"\x61\0\0\x57"
        hole = len(self._code) - 3
        self._block(self._random.randrange(1, 3), depth + 1)
        self._code[hole : hole + 2] = len(self._code).to_bytes(2, "big")
        self._op(0x5B)

    def _stack_play(self, _: int) -> None:
        count = self._random.randrange(2, 18)
        for _ in range(count):
            self._push(self._random.randrange(2**16))
        for _ in range(self._random.randrange(1, 4)):
            place = self._random.randrange(1, count)
            self._op(0x7F + min(place, 16) if self._random.random() < 0.5 else 0x8F + min(place, 16))
            if self._code[-1] < 0x90:
                self._op(0x50)
        for _ in range(count - 1):
            self._op(self._random.choice((0x01, 0x18, 0x03)))
        self._keep()

    def _return_data(self, _: int) -> None:
        if self._random.random() < 0.95:
            # All of it, so that nothing is out of bounds.
            self._code += bytes.fromhex("3d5f5f3e3d5f20")
        else:
            self._sizes(3)
            self._op(0x3E, 0x3D)
        self._keep()

    def _oddity(self, _: int) -> None:
        """Things that may end it: a jump to anywhere, junk, too few operands."""
        kind = self._random.randrange(5)
        if kind == 0:
            self._push(self._random.randrange(len(self._code) + 10))
            self._op(0x56)
        elif kind == 1:
            self._code += self._random.randbytes(self._random.randrange(1, 6))
        elif kind == 2:
            self._op(self._random.randrange(256))
        elif kind == 3:
            self._op(0x5B)
        else:
            self._end()

    def _end(self) -> None:
        kind = self._random.randrange(30)
        if kind < 14:
            self._op(0x00)
        elif kind < 24:
            self._sizes(2)
            self._op(0xF3)
        elif kind < 26:
            self._sizes(2)
            self._op(0xFD)
        elif kind < 29:
            self._address()
            self._op(0xFF)
        else:
            self._op(0xFE)


def program(random: Random, others: Sequence[bytes], fork: Fork) -> bytes:
    """Runtime code: mostly written, rarely noise."""
    if random.random() < 0.04:
        return random.randbytes(random.randrange(60))
    return Program(random, others, fork).build()


def initcode(random: Random, others: Sequence[bytes], fork: Fork) -> bytes:
    """Code that deploys: something small, something forbidden, nothing, or code that does not return."""
    kind = random.randrange(8)
    if kind == 0:
        return b""
    if kind == 1:
        return Program(random, others, fork).build()[:600]
    runtime = random.choice(
        (b"\xef\x00", b"\xff", b"\x5f\x5f\xfd", b"\x33\xff", b"\x5b" * 40, b"\x60\x01\x5f\x55", b"\0")
    )
    size = len(runtime) if kind < 7 else random.choice((0, 1, 24_576, 24_577))
    # Copy the runtime from behind these twelve bytes and return `size` bytes of memory.
    head = b"\x60" + bytes((len(runtime),)) + b"\x60\x0d\x5f\x39\x62" + size.to_bytes(3, "big") + b"\x5f\xf3"
    return head.ljust(13, b"\0") + runtime
