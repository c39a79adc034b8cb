"""How code runs from Cancun on: one loop over integers for a message and all the messages inside it.

py-evm takes a function call, three objects and a conversion for each instruction, and twenty objects for each
call. Here cheap instructions are done in place, calls and creations are frames on a list (no recursion), and
the rest is in `instructions.py`.

`interpreter.pxd` gives the variables C types for Cython; the same source runs without (`loops.py` chooses).

Covered: all instructions of Cancun, Prague and Osaka, calls, creations, precompiles. Not covered: tracing and
older forks, which run py-evm's instructions (`vm.py`); tests compare both ways.
Source: Yellow Paper, appendix H; execution-specs of the three forks.
"""

from functools import lru_cache, partial
from typing import Any

from eth.exceptions import (
    FullStack,
    InsufficientFunds,
    InsufficientStack,
    InvalidJumpDestination,
    OutOfBoundsRead,
    OutOfGas,
    ReservedBytesInCode,
    Revert,
    VMError,
    WriteProtection,
)
from gmpy2 import powmod
from sha3 import keccak_256

from genesis.types import Address
from openledger_node.evm.code import BYTES_PER_MARK, JumpTable, delegation_target
from openledger_node.evm.halts import UndefinedOpcode
from openledger_node.evm.instructions import (
    HANDLERS,
    MOST_MEMORY_BYTES,
    NEEDED_ITEMS,
    access,
    charged,
    created_address,
    grown,
)
from openledger_node.evm.native.errors import InvalidInputError
from openledger_node.evm.precompile_host import run_native
from precompiles.gas import INPUT_WORD, words_of

_WORD = 2**256
_MASK = _WORD - 1
_SIGN = 2**255
_ADDRESS_MASK = 2**160 - 1
_STACK_LIMIT = 1024
_DEPTH_LIMIT = 1024
_NONCE_LIMIT = 2**64 - 1
_MOST_CODE_BYTES = 24_576
_MOST_INITCODE_BYTES = 49_152
_DELEGATION_BYTES = 23
_RESERVED_FIRST_BYTE = 0xEF
_EVENTS_PER_TIME_CHECK = 64

_NO_DESTINATIONS: set[int] = set()

_COPY_WORD_GAS = 3
_HASH_WORD_GAS = 6
_EXPONENT_BYTE_GAS = 50
_CALL_VALUE_GAS = 9_000
_CALL_STIPEND = 2_300
_NEW_ACCOUNT_GAS = 25_000
_CREATE_GAS = 32_000
_INITCODE_WORD_GAS = 2
_CODE_BYTE_GAS = 200


def _prices(*, has_clz: bool) -> bytes:
    """Fixed gas by opcode of what the loop does in place; zero stands for all else."""
    prices = bytearray(256)
    for gas, opcodes in (
        (1, (0x5B,)),
        (2, (0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x47), 0x48, 0x4A)),
        (2, (0x50, 0x58, 0x59, 0x5A, 0x5F)),
        (3, (0x01, 0x03, *range(0x10, 0x1E), 0x35, 0x37, 0x39, 0x3E, 0x51, 0x52, 0x53, 0x5E)),
        (3, range(0x60, 0xA0)),
        (5, (0x02, *range(0x04, 0x08), 0x0B, 0x47)),
        (8, (0x08, 0x09, 0x56)),
        (10, (0x0A, 0x57)),
        (30, (0x20,)),
        (5 if has_clz else 0, (0x1E,)),
    ):
        for opcode in opcodes:
            prices[opcode] = gas
    return bytes(prices)


_PRICES, _PRICES_WITH_CLZ = _prices(has_clz=False), _prices(has_clz=True)


def _walk(code: bytes, start: int, limit: int) -> int:
    """As `end_of_instructions`; quicker when compiled."""
    while start < limit:
        op = code[start]
        end = start + op - 0x5E if 0x60 <= op < 0x80 else start + 1
        if end > limit:
            break
        start = end
    return start


def _find_marks(code: bytes) -> list[int]:
    """As `find_marks`; quicker when compiled."""
    marks, position, due, size = [0], 0, BYTES_PER_MARK, len(code)
    while position < size:
        op = code[position]
        position += op - 0x5E if 0x60 <= op < 0x80 else 1
        if position >= due:
            marks.append(position)
            due = position + BYTES_PER_MARK
    return marks


_IS_COMPILED = not __file__.endswith(".py")
_jump_table = lru_cache(maxsize=1_000)(
    partial(JumpTable, walk=_walk, marks=_find_marks) if _IS_COMPILED else JumpTable
)


class Run:
    """What the frames of one message share."""

    def __init__(self, state: Any, context: Any, *, has_delegations: bool, has_clz: bool) -> None:
        self.state = state
        self.accounts = state.accounts
        self.context = context
        self.has_delegations = has_delegations
        self.prices = _PRICES_WITH_CLZ if has_clz else _PRICES
        self.watches_time = state.deadline_s is not None
        self.created: set[bytes] = set()
        self.constants: dict[int, int] = {}


class Frame:
    """One message under way. It answers like py-evm's computation and like its message where callers and
    precompiles ask.

    Its data is not copied: it stays in the memory of the frame that called, which stands still meanwhile. A
    call has one price whatever the size of its data, once the memory is there.
    """

    def __init__(self, run: Any, parent: Any, code: bytes, address: bytes, sender: bytes) -> None:
        self.run = run
        self.parent = parent
        self.code = code
        self.address = address
        self.sender = sender
        self.code_address = address
        self.value: Any = 0
        self.data_buffer: Any = b""
        self.data_start = 0
        self.data_size = 0
        self.gas = 0
        self.depth = 0
        self.is_static = False
        self.is_create = False
        self.is_delegation = False
        self.checkpoint = 0
        self.pc = 0
        self.stack: list[Any] = []
        self.memory = bytearray()
        self.return_data = b""
        self.output = b""
        self.output_offset = 0
        self.output_size = 0
        self.error: Any = None

    @property
    def is_success(self) -> bool:
        return self.error is None

    @property
    def is_error(self) -> bool:
        return self.error is not None

    def get_gas_remaining(self) -> int:
        return int(self.gas)

    # -- what a native precompile asks ---------------------------------------------------------------------

    @property
    def msg(self) -> "Frame":
        return self

    @property
    def state(self) -> Any:
        return self.run.state

    @property
    def to(self) -> bytes:
        return self.address

    @property
    def storage_address(self) -> bytes:
        return self.address

    @property
    def data_as_bytes(self) -> bytes:
        return self.data_part(self.data_size)

    def data_part(self, size: int) -> bytes:
        """The first `size` bytes of the data, if there are so many."""
        return bytes(self.data_buffer[self.data_start : self.data_start + min(size, self.data_size)])

    def consume_gas(self, amount: int, reason: str) -> None:
        if amount > self.gas:
            raise OutOfGas(reason)
        self.gas -= amount


def execute(run: Any, message: Any) -> Any:
    """Run py-evm's `message` to its end; the frame it ran in. Raises `InsufficientFunds` before anything."""
    accounts = run.accounts
    frame = Frame(run, None, message.code, message.storage_address, message.sender)
    frame.value = message.value
    frame.data_buffer = message.data_as_bytes
    frame.data_size = len(frame.data_buffer)
    frame.gas = message.gas
    frame.is_static = message.is_static
    frame.is_create = message.is_create
    frame.is_delegation = message.is_delegation
    frame.code_address = message.code_address
    frame.checkpoint = accounts.record()
    accounts.mark_address_warm(run.state.coinbase)
    if frame.is_create:
        accounts.increment_nonce(frame.address)
        run.created.add(frame.address)
    if frame.value:
        _transfer(accounts, frame.sender, frame.address, frame.value)
    accounts.touch_account(frame.address)
    if frame.is_create or not _run_precompile(run, frame):
        _run_frames(run, frame)
    return frame


def _run_frames(run: Any, first: Any) -> None:
    """Run the code of a frame, and of those that it calls, to the end."""
    frame = first
    while True:
        inner = None
        try:
            inner = _run_code(run, frame)
        except VMError as error:
            frame.error = error
        if inner is not None:
            frame = inner
            continue
        _end(run, frame)
        parent = frame.parent
        if parent is None:
            return
        _take_result(parent, frame)
        frame = parent


def _end(run: Any, frame: Any) -> None:
    """Deposit created code; take back what a failed frame did."""
    if frame.is_create and frame.error is None and frame.output:
        frame.error = _deposit(run, frame)
    if frame.error is not None:
        run.accounts.discard(frame.checkpoint)
        if not isinstance(frame.error, Revert):
            frame.gas = 0
            frame.output = b""


def _deposit(run: Any, frame: Any) -> Any:
    code = frame.output
    if len(code) > _MOST_CODE_BYTES:
        return OutOfGas("created code is too large")
    if code[0] == _RESERVED_FIRST_BYTE:
        return ReservedBytesInCode("created code begins with 0xef")
    price = _CODE_BYTE_GAS * len(code)
    if frame.gas < price:
        return OutOfGas("created code cannot be paid for")
    frame.gas -= price
    run.accounts.set_code(frame.address, code)
    return None


def _take_result(parent: Any, frame: Any) -> None:
    """Give the parent its gas, a word on the stack and the data returned."""
    output = frame.output
    parent.gas += frame.gas
    succeeded = frame.error is None
    if frame.is_create:
        parent.return_data = b"" if succeeded else output
        parent.stack.append(int.from_bytes(frame.address, "big") if succeeded else 0)
        return
    parent.return_data = output
    parent.stack.append(1 if succeeded else 0)
    size = min(frame.output_size, len(output))
    if size:
        parent.memory[frame.output_offset : frame.output_offset + size] = output[:size]


def _transfer(accounts: Any, sender: bytes, recipient: bytes, amount_wei: Any) -> None:
    balance = accounts.get_balance(sender)
    if balance < amount_wei:
        raise InsufficientFunds(f"Insufficient funds: {balance} < {amount_wei}")
    accounts.set_balance(sender, balance - amount_wei)
    accounts.set_balance(recipient, accounts.get_balance(recipient) + amount_wei)


def _run_precompile(run: Any, frame: Any) -> bool:
    """Run the frame to its end if a precompile is at its code address."""
    native = run.state.natives.get(frame.code_address)
    precompile = run.state.precompiles.get(frame.code_address)
    if native is None and precompile is None:
        return False
    if run.watches_time:
        run.state.check_time()
    try:
        if native is not None:
            # Before all of the input is copied: it may be megabytes large.
            charged(frame.gas, INPUT_WORD * words_of(frame.data_size))
            run_native(native, frame)
        elif not frame.is_delegation:
            # A delegation to a precompile runs empty code (EIP-7702).
            frame.gas = charged(frame.gas, precompile.price_of(frame))
            frame.output = precompile.run(precompile.input_of(frame))
    except InvalidInputError as error:
        frame.error = VMError(str(error))
    except VMError as error:
        frame.error = error
    if frame.error is not None:
        _end(run, frame)
    return True


def _call(run: Any, frame: Any, op: int, gas: int) -> Any:
    """CALL, CALLCODE, DELEGATECALL and STATICCALL: the frame to run, or None if all is done."""
    stack = frame.stack
    requested = stack.pop()
    target = Address((stack.pop() & _ADDRESS_MASK).to_bytes(20, "big"))
    value = stack.pop() if op <= 0xF2 else 0
    input_offset, input_size, output_offset, output_size = stack.pop(), stack.pop(), stack.pop(), stack.pop()
    if value and op == 0xF1 and frame.is_static:
        raise WriteProtection("a call with value inside of a static call")
    gas = grown(frame.memory, gas, input_offset, input_size)
    gas = grown(frame.memory, gas, output_offset, output_size)
    gas = charged(gas, access(run, target))
    inner = Frame(run, frame, run.accounts.get_code(target), target, frame.address)
    if run.has_delegations and len(inner.code) == _DELEGATION_BYTES:
        gas = _follow_delegation(run, inner, gas)
    if value:
        gas = charged(gas, _CALL_VALUE_GAS)
        if op == 0xF1 and run.accounts.account_is_empty(target):
            gas = charged(gas, _NEW_ACCOUNT_GAS)
    inner_gas = min(gas - gas // 64, requested)
    frame.gas = gas - inner_gas
    inner.gas = inner_gas + _CALL_STIPEND if value else inner_gas
    inner.value = value
    inner.depth = frame.depth + 1
    inner.is_static = frame.is_static or op == 0xFA
    if input_size:
        inner.data_buffer = frame.memory
        inner.data_start = input_offset
        inner.data_size = input_size
    if output_size:
        inner.output_offset = output_offset
        inner.output_size = output_size
    if op == 0xF2 or op == 0xF4:  # noqa: PLR1714 - quicker than a set
        inner.address = frame.address
    if op == 0xF4:
        inner.sender = frame.sender
        inner.value = frame.value
    return _enter(run, frame, inner, value, op)


def _follow_delegation(run: Any, inner: Any, gas: int) -> int:
    """Gas left. Source: EIP-7702."""
    target = delegation_target(inner.code)
    if target is None:
        return gas
    delegate = Address(target)
    gas = charged(gas, access(run, delegate))
    inner.is_delegation = True
    inner.code_address = delegate
    inner.code = run.accounts.get_code(delegate)
    return gas


def _enter(run: Any, frame: Any, inner: Any, value: Any, op: int) -> Any:
    """Begin a call: the frame to run, or None if it ran to its end already."""
    accounts = run.accounts
    if frame.depth >= _DEPTH_LIMIT or (value and accounts.get_balance(frame.address) < value):
        frame.return_data = b""
        frame.gas += inner.gas
        frame.stack.append(0)
        return None
    inner.checkpoint = accounts.record()
    if value and op == 0xF1:
        _transfer(accounts, frame.address, inner.address, value)
    accounts.touch_account(inner.address)
    if _run_precompile(run, inner) or not inner.code:
        _take_result(frame, inner)
        return None
    return inner


def _create(run: Any, frame: Any, op: int, gas: int) -> Any:
    """CREATE and CREATE2: the frame to run, or None if there is none."""
    stack = frame.stack
    accounts = run.accounts
    if frame.is_static:
        raise WriteProtection("a creation inside of a static call")
    value, offset, size = stack.pop(), stack.pop(), stack.pop()
    salt = stack.pop() if op == 0xF5 else None
    if size > _MOST_INITCODE_BYTES:
        raise OutOfGas("initcode is too large")
    gas -= _CREATE_GAS + ((size + 31) >> 5) * (
        _INITCODE_WORD_GAS if salt is None else _INITCODE_WORD_GAS + _HASH_WORD_GAS
    )
    gas = grown(frame.memory, gas, offset, size)
    if gas < 0:
        raise OutOfGas("out of gas")
    frame.return_data = b""
    frame.gas = gas
    nonce = accounts.get_nonce(frame.address)
    if frame.depth >= _DEPTH_LIMIT or nonce >= _NONCE_LIMIT or accounts.get_balance(frame.address) < value:
        stack.append(0)
        return None
    initcode = bytes(frame.memory[offset : offset + size]) if size else b""
    inner_gas = gas - gas // 64
    frame.gas = gas - inner_gas
    address = created_address(frame.address, nonce, salt, initcode)
    accounts.increment_nonce(frame.address)
    accounts.mark_address_warm(address)
    if accounts.account_has_code_or_nonce(address):
        stack.append(0)
        return None

    inner = Frame(run, frame, initcode, address, frame.address)
    inner.value = value
    inner.gas = inner_gas
    inner.depth = frame.depth + 1
    inner.is_create = True
    inner.checkpoint = accounts.record()
    accounts.increment_nonce(address)
    if value:
        _transfer(accounts, frame.address, address, value)
    accounts.touch_account(address)
    run.created.add(address)
    return inner


def _run_code(run: Any, frame: Any) -> Any:  # noqa: PLR0912, PLR0915 - one loop with a branch per instruction
    """Go on with a frame until it ends (None) or calls: the frame to run first. Raises py-evm's `VMError`."""
    state = run.state
    code: bytes = frame.code
    data: Any = frame.data_buffer
    data_start = frame.data_start
    data_size = frame.data_size
    stack: list[Any] = frame.stack
    memory: bytearray = frame.memory
    prices: bytes = run.prices
    constants: dict[int, int] = run.constants
    watches_time = run.watches_time
    jumps: JumpTable | None = None
    own_word: int | None = None
    sender_word: int | None = None
    destinations: set[int] = _NO_DESTINATIONS
    code_size = len(code)
    pc = frame.pc
    gas = frame.gas
    events = 0
    is_ours = True
    if watches_time:
        state.check_time()
    try:
        while True:
            op = code[pc] if pc < code_size else 0x00
            pc += 1
            price = prices[op]

            if not price:
                if op == 0x00:  # STOP
                    frame.gas = gas
                    return None
                if len(stack) < NEEDED_ITEMS[op]:
                    raise InsufficientStack("stack underflow")
                if op == 0xF3 or op == 0xFD:  # RETURN, REVERT  # noqa: PLR1714 - quicker than a set
                    offset, size = stack.pop(), stack.pop()
                    gas = grown(memory, gas, offset, size)
                    frame.output = bytes(memory[offset : offset + size]) if size else b""
                    frame.gas = gas
                    if op == 0xFD:
                        raise Revert(frame.output)
                    return None
                is_ours = False
                if op in (0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFA):  # calls and creations
                    frame.pc = pc
                    if op == 0xF0 or op == 0xF5:  # noqa: PLR1714 - as above
                        inner = _create(run, frame, op, gas)
                    else:
                        inner = _call(run, frame, op, gas)
                    if inner is not None:
                        return inner
                    gas = frame.gas
                else:
                    handler = HANDLERS[op]
                    if handler is None:
                        raise UndefinedOpcode(op)
                    gas = handler(run, frame, gas)
                    if op == 0xFF:  # SELFDESTRUCT
                        frame.gas = gas
                        return None
                    if len(stack) > _STACK_LIMIT:
                        raise FullStack("stack limit reached")
                is_ours = True
                if watches_time:
                    events += 1
                    if not events % _EVENTS_PER_TIME_CHECK:
                        state.check_time()
                continue

            gas -= price
            if gas < 0:
                raise OutOfGas("out of gas")

            if op >= 0x60:
                if op < 0x80:  # PUSH1 to PUSH32
                    end = pc + op - 0x5F
                    if op == 0x60 and pc < code_size:
                        stack.append(code[pc])
                    else:
                        value = int.from_bytes(code[pc:end], "big")
                        if end > code_size:
                            # What is missing at the end of the code is zero.
                            value <<= 8 * (end - max(code_size, pc))
                        stack.append(value)
                    pc = end
                elif op < 0x90:  # DUP1 to DUP16
                    stack.append(stack[0x7F - op])
                else:  # SWAP1 to SWAP16
                    place = 0x8E - op
                    value = stack[place]
                    stack[place] = stack[-1]
                    stack[-1] = value
                    continue

            elif op >= 0x50:
                if op == 0x5B:  # JUMPDEST
                    continue
                if op == 0x50:  # POP
                    stack.pop()
                    continue
                if op == 0x56 or op == 0x57:  # JUMP, JUMPI  # noqa: PLR1714 - as above
                    target = stack.pop()
                    if op == 0x57 and not stack.pop():
                        continue
                    if target not in destinations:
                        if jumps is None:
                            jumps = _jump_table(code)
                            destinations = jumps.destinations
                        if not jumps.holds(target):
                            raise InvalidJumpDestination("invalid jump destination")
                    # Right behind the JUMPDEST, which is paid here.
                    pc = target + 1
                    gas -= 1
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    if watches_time:
                        events += 1
                        if not events % _EVENTS_PER_TIME_CHECK:
                            state.check_time()
                    continue
                if op == 0x52:  # MSTORE
                    offset, value = stack.pop(), stack.pop()
                    if offset > MOST_MEMORY_BYTES:
                        raise OutOfGas("out of gas")
                    start = offset
                    if start + 32 > len(memory):
                        gas = grown(memory, gas, start, 32)
                    memory[start : start + 32] = value.to_bytes(32, "big")
                    continue
                if op == 0x51:  # MLOAD
                    offset = stack[-1]
                    if offset > MOST_MEMORY_BYTES:
                        raise OutOfGas("out of gas")
                    start = offset
                    if start + 32 > len(memory):
                        gas = grown(memory, gas, start, 32)
                    stack[-1] = int.from_bytes(memory[start : start + 32], "big")
                    continue
                if op == 0x53:  # MSTORE8
                    offset, value = stack.pop(), stack.pop()
                    if offset > MOST_MEMORY_BYTES:
                        raise OutOfGas("out of gas")
                    start = offset
                    if start >= len(memory):
                        gas = grown(memory, gas, start, 1)
                    memory[start] = value & 0xFF
                    continue
                if op == 0x5E:  # MCOPY
                    offset, source, size = stack.pop(), stack.pop(), stack.pop()
                    if size:
                        gas = grown(memory, gas, max(offset, source), size)
                        gas -= _COPY_WORD_GAS * ((size + 31) >> 5)
                        if gas < 0:
                            raise OutOfGas("out of gas")
                        memory[offset : offset + size] = memory[source : source + size]
                    continue
                if op == 0x5F:  # PUSH0
                    stack.append(0)
                elif op == 0x5A:  # GAS
                    stack.append(gas)
                elif op == 0x58:  # PC
                    stack.append(pc - 1)
                else:  # MSIZE
                    stack.append(len(memory))

            elif op < 0x20:
                a = stack.pop()
                if op == 0x01:  # ADD
                    stack[-1] = (a + stack[-1]) & _MASK
                elif op == 0x03:  # SUB
                    stack[-1] = (a - stack[-1]) & _MASK
                elif op == 0x02:  # MUL
                    stack[-1] = (a * stack[-1]) & _MASK
                elif op >= 0x10:
                    if op == 0x15:  # ISZERO
                        stack.append(0 if a else 1)
                    elif op == 0x14:  # EQ
                        stack[-1] = 1 if a == stack[-1] else 0
                    elif op == 0x10:  # LT
                        stack[-1] = 1 if a < stack[-1] else 0
                    elif op == 0x11:  # GT
                        stack[-1] = 1 if a > stack[-1] else 0
                    elif op == 0x16:  # AND
                        stack[-1] = a & stack[-1]
                    elif op == 0x17:  # OR
                        stack[-1] = a | stack[-1]
                    elif op == 0x18:  # XOR
                        stack[-1] = a ^ stack[-1]
                    elif op == 0x1B:  # SHL
                        stack[-1] = (stack[-1] << a) & _MASK if a < 256 else 0
                    elif op == 0x1C:  # SHR
                        stack[-1] = stack[-1] >> a if a < 256 else 0
                    elif op == 0x19:  # NOT
                        stack.append(a ^ _MASK)
                    elif op == 0x1A:  # BYTE
                        stack[-1] = (stack[-1] >> (248 - 8 * a)) & 0xFF if a < 32 else 0
                    elif op == 0x12:  # SLT
                        stack[-1] = 1 if a ^ _SIGN < stack[-1] ^ _SIGN else 0
                    elif op == 0x13:  # SGT
                        stack[-1] = 1 if a ^ _SIGN > stack[-1] ^ _SIGN else 0
                    elif op == 0x1D:  # SAR
                        stack[-1] = (_signed(stack[-1]) >> min(a, 256)) & _MASK
                    else:  # CLZ
                        stack.append(256 - a.bit_length())
                elif op == 0x04:  # DIV
                    b = stack[-1]
                    stack[-1] = a // b if b else 0
                elif op == 0x06:  # MOD
                    b = stack[-1]
                    stack[-1] = a % b if b else 0
                elif op == 0x05:  # SDIV
                    stack[-1] = _signed_quotient(a, stack[-1])
                elif op == 0x07:  # SMOD
                    stack[-1] = _signed_remainder(a, stack[-1])
                elif op == 0x08:  # ADDMOD
                    b = stack.pop()
                    stack[-1] = (a + b) % stack[-1] if stack[-1] else 0
                elif op == 0x09:  # MULMOD
                    b = stack.pop()
                    stack[-1] = (a * b) % stack[-1] if stack[-1] else 0
                elif op == 0x0A:  # EXP
                    b = stack[-1]
                    gas -= _EXPONENT_BYTE_GAS * ((b.bit_length() + 7) >> 3)
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    stack[-1] = int(powmod(a, b, _WORD))
                else:  # SIGNEXTEND
                    stack[-1] = _sign_extended(a, stack[-1])
                continue

            elif op == 0x20:  # KECCAK256
                offset, size = stack.pop(), stack[-1]
                gas = grown(memory, gas, offset, size)
                gas -= _HASH_WORD_GAS * ((size + 31) >> 5)
                if gas < 0:
                    raise OutOfGas("out of gas")
                hashed = memory[offset : offset + size] if size else b""
                stack[-1] = int.from_bytes(keccak_256(hashed).digest(), "big")
                continue

            elif op == 0x35:  # CALLDATALOAD
                offset = stack[-1]
                if offset >= data_size:
                    stack[-1] = 0
                else:
                    start = offset
                    end = min(start + 32, data_size)
                    word = int.from_bytes(data[data_start + start : data_start + end], "big")
                    stack[-1] = word << 8 * (start + 32 - end)
                continue

            elif op == 0x37 or op == 0x39 or op == 0x3E:  # CALLDATACOPY, CODECOPY, RETURNDATACOPY  # noqa: PLR1714
                offset, source, size = stack.pop(), stack.pop(), stack.pop()
                if op == 0x37:
                    copied, start, end = data, data_start, data_start + data_size
                elif op == 0x39:
                    copied, start, end = code, 0, code_size
                else:
                    copied, start, end = frame.return_data, 0, len(frame.return_data)
                    if source + size > end:
                        raise OutOfBoundsRead("return data is shorter")
                if size:
                    gas = grown(memory, gas, offset, size)
                    gas -= _COPY_WORD_GAS * ((size + 31) >> 5)
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    part = (
                        copied[start + source : min(start + source + size, end)]
                        if source < end - start
                        else b""
                    )
                    memory[offset : offset + size] = part.ljust(size, b"\0")
                continue

            elif op == 0x3D:  # RETURNDATASIZE
                stack.append(len(frame.return_data))
            elif op == 0x36:  # CALLDATASIZE
                stack.append(data_size)
            elif op == 0x38:  # CODESIZE
                stack.append(code_size)
            elif op == 0x34:  # CALLVALUE
                stack.append(frame.value)
            elif op == 0x33:  # CALLER
                if sender_word is None:
                    sender_word = int.from_bytes(frame.sender, "big")
                stack.append(sender_word)
            elif op == 0x30:  # ADDRESS
                if own_word is None:
                    own_word = int.from_bytes(frame.address, "big")
                stack.append(own_word)
            elif op == 0x47:  # SELFBALANCE
                stack.append(run.accounts.get_balance(frame.address))
            else:
                if op not in constants:
                    constants[op] = _constant(run, op)
                stack.append(constants[op])

            if len(stack) > _STACK_LIMIT:
                raise FullStack("stack limit reached")
    except IndexError:
        if not is_ours:
            raise
        raise InsufficientStack("stack underflow") from None


def _constant(run: Any, op: int) -> int:
    """The word that an instruction reads which does not change while the message runs."""
    if op == 0x32:  # ORIGIN
        return int.from_bytes(run.context.origin, "big")
    if op == 0x3A:  # GASPRICE
        return int(run.context.gas_price)
    if op == 0x4A:  # BLOBBASEFEE
        return int(run.state.blob_base_fee)
    block = run.state.execution_context
    if op == 0x42:  # TIMESTAMP
        return int(block.timestamp)
    if op == 0x43:  # NUMBER
        return int(block.block_number)
    if op == 0x41:  # COINBASE
        return int.from_bytes(block.coinbase, "big")
    if op == 0x44:  # PREVRANDAO
        return int.from_bytes(block.mix_hash, "big")
    if op == 0x45:  # GASLIMIT
        return int(block.gas_limit)
    if op == 0x46:  # CHAINID
        return int(block.chain_id)
    return int(block.base_fee_per_gas)  # BASEFEE


def _signed(value: Any) -> Any:
    return value - _WORD if value >= _SIGN else value


def _signed_quotient(numerator: Any, denominator: Any) -> Any:
    if not denominator:
        return 0
    left, right = _signed(numerator), _signed(denominator)
    quotient = abs(left) // abs(right)
    return (-quotient if (left < 0) != (right < 0) else quotient) & _MASK


def _signed_remainder(numerator: Any, denominator: Any) -> Any:
    if not denominator:
        return 0
    left, right = _signed(numerator), _signed(denominator)
    remainder = abs(left) % abs(right)
    return (-remainder if left < 0 else remainder) & _MASK


def _sign_extended(size: Any, value: Any) -> Any:
    """`value` as a signed number of `size + 1` bytes."""
    if size > 30:
        return value
    sign = 1 << (8 * size + 7)
    return (value | (_WORD - sign)) if value & sign else value & (sign - 1)
