"""How the cheap instructions of a frame run: one loop over integers, from Cancun on.

py-evm takes a function call, three objects and a conversion for each instruction. Here what costs a few gas
is done in place; everything else (storage, logs, calls, creations, accounts) is handed to py-evm's own
instruction, and its effect is taken back into the loop.

Covered: gas, stack and memory of the instructions in `_prices`. Not covered: tracing (`vm.py` runs py-evm's
instructions one by one then) and older forks. The fuzzer and the conformance suites compare both ways.
Source: Yellow Paper, appendix H; EIP-3855, EIP-5656, EIP-7939.
"""

from typing import Any

from eth.exceptions import (
    FullStack,
    Halt,
    InsufficientStack,
    InvalidJumpDestination,
    OutOfBoundsRead,
    OutOfGas,
)
from eth.vm.logic.invalid import InvalidOpcode

from genesis.keccak import keccak256
from openledger_node.evm.code import JumpTable, jump_table
from openledger_node.evm.leading_zeros import CLZ_VALUE

_WORD = 2**256
_MASK = _WORD - 1
_SIGN = 2**255
_STACK_LIMIT = 1024
_EVENTS_PER_TIME_CHECK = 64
_COPY_GAS_PER_WORD = 3
_HASH_GAS_PER_WORD = 6
_EXP_GAS_PER_BYTE = 50


def _prices(*, has_clz: bool) -> list[int]:
    """Fixed gas by opcode of what the loop does itself; zero stands for what it hands over or ends at."""
    prices = [0] * 256
    for gas, opcodes in (
        (1, (0x5B,)),
        (2, (0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x47), 0x48)),
        (2, (0x50, 0x58, 0x59, 0x5A, 0x5F)),
        (3, (0x01, 0x03, *range(0x10, 0x1E), 0x35, 0x37, 0x39, 0x3E, 0x51, 0x52, 0x53, 0x5E)),
        (3, range(0x60, 0xA0)),
        (5, (0x02, *range(0x04, 0x08), 0x0B, 0x47)),
        (8, (0x08, 0x09, 0x56)),
        (10, (0x0A, 0x57)),
        (30, (0x20,)),
        (5 if has_clz else 0, (CLZ_VALUE,)),
    ):
        for opcode in opcodes:
            prices[opcode] = gas
    return prices


_PRICES, _PRICES_WITH_CLZ = _prices(has_clz=False), _prices(has_clz=True)


def run(frame: Any) -> None:  # noqa: PLR0912, PLR0915 - one loop with a branch per instruction
    """Run the frame's code to its end. `frame` is a py-evm computation; raises py-evm's `VMError`."""
    state, message, meter = frame.state, frame.msg, frame._gas_meter
    code: bytes = message.code
    data: bytes = message.data_as_bytes
    stack: list[Any] = frame._stack.values
    memory: bytearray = frame._memory._bytes
    opcodes = frame.opcodes
    prices = _PRICES_WITH_CLZ if CLZ_VALUE in opcodes else _PRICES
    push, pop = stack.append, stack.pop
    jumps: JumpTable | None = None
    constants: dict[int, int] = {}
    watches_time = state.deadline_s is not None
    is_ours = True
    events = 0
    pc, gas = 0, int(meter.gas_remaining)
    if watches_time:
        state.check_time()
    try:
        while True:
            try:
                op = code[pc]
            except IndexError:
                op = 0x00
            pc += 1
            price = prices[op]

            if not price:
                if op == 0x00:  # STOP
                    meter.gas_remaining = gas
                    return
                if op == 0xF3:  # RETURN
                    offset, size = pop(), pop()
                    if size and offset + size > len(memory):
                        gas, memory = _reserve(frame, gas, offset + size)
                    frame.output = bytes(memory[offset : offset + size])
                    meter.gas_remaining = gas
                    return
                meter.gas_remaining = gas
                frame.code.program_counter = pc
                instruction = opcodes.get(op)
                is_ours = False
                try:
                    (instruction or InvalidOpcode(op))(computation=frame)
                except Halt:
                    return
                is_ours = True
                gas = meter.gas_remaining
                memory = frame._memory._bytes
                if stack and isinstance(stack[-1], bytes):
                    stack[-1] = int.from_bytes(stack[-1], "big")
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
                    value = int.from_bytes(code[pc:end], "big")
                    if end > len(code):
                        # What is missing at the end of the code is zero.
                        value <<= 8 * (end - max(len(code), pc))
                    pc = end
                    push(value)
                elif op < 0x90:  # DUP1 to DUP16
                    push(stack[0x7F - op])
                else:  # SWAP1 to SWAP16
                    place = 0x8E - op
                    stack[-1], stack[place] = stack[place], stack[-1]
                    continue

            elif op >= 0x50:
                if op == 0x5B:  # JUMPDEST
                    continue
                if op == 0x50:  # POP
                    pop()
                    continue
                if op == 0x56 or op == 0x57:  # JUMP, JUMPI  # noqa: PLR1714 - quicker than a set
                    target = pop()
                    if op == 0x57 and not pop():
                        continue
                    if jumps is None:
                        jumps = jump_table(code)
                    if not jumps.holds(target):
                        raise InvalidJumpDestination("invalid jump destination")
                    # Right behind the JUMPDEST, which is paid here.
                    pc = target + 1
                    gas -= 1
                    if watches_time:
                        events += 1
                        if not events % _EVENTS_PER_TIME_CHECK:
                            state.check_time()
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    continue
                if op == 0x52:  # MSTORE
                    offset, value = pop(), pop()
                    if offset + 32 > len(memory):
                        gas, memory = _reserve(frame, gas, offset + 32)
                    memory[offset : offset + 32] = value.to_bytes(32, "big")
                    continue
                if op == 0x51:  # MLOAD
                    offset = stack[-1]
                    if offset + 32 > len(memory):
                        gas, memory = _reserve(frame, gas, offset + 32)
                    stack[-1] = int.from_bytes(memory[offset : offset + 32], "big")
                    continue
                if op == 0x53:  # MSTORE8
                    offset, value = pop(), pop()
                    if offset >= len(memory):
                        gas, memory = _reserve(frame, gas, offset + 1)
                    memory[offset] = value & 0xFF
                    continue
                if op == 0x5E:  # MCOPY
                    offset, source, size = pop(), pop(), pop()
                    gas -= _COPY_GAS_PER_WORD * ((size + 31) >> 5)
                    end = max(offset, source) + size
                    if size and end > len(memory):
                        gas, memory = _reserve(frame, gas, end)
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    if size:
                        memory[offset : offset + size] = memory[source : source + size]
                    continue
                if op == 0x5F:  # PUSH0
                    push(0)
                elif op == 0x5A:  # GAS
                    push(gas)
                elif op == 0x58:  # PC
                    push(pc - 1)
                else:  # MSIZE
                    push(len(memory))

            elif op < 0x20:
                a = pop()
                if op == 0x01:  # ADD
                    stack[-1] = (a + stack[-1]) & _MASK
                elif op == 0x03:  # SUB
                    stack[-1] = (a - stack[-1]) & _MASK
                elif op == 0x02:  # MUL
                    stack[-1] = (a * stack[-1]) & _MASK
                elif op >= 0x10:
                    if op == 0x15:  # ISZERO
                        push(0 if a else 1)
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
                        push(a ^ _MASK)
                    elif op == 0x1A:  # BYTE
                        stack[-1] = (stack[-1] >> (248 - 8 * a)) & 0xFF if a < 32 else 0
                    elif op == 0x12:  # SLT
                        stack[-1] = 1 if _signed(a) < _signed(stack[-1]) else 0
                    elif op == 0x13:  # SGT
                        stack[-1] = 1 if _signed(a) > _signed(stack[-1]) else 0
                    elif op == 0x1D:  # SAR
                        stack[-1] = (_signed(stack[-1]) >> min(a, 256)) & _MASK
                    else:  # CLZ
                        push(256 - a.bit_length())
                elif op == 0x04:  # DIV
                    stack[-1] = a // stack[-1] if stack[-1] else 0
                elif op == 0x06:  # MOD
                    stack[-1] = a % stack[-1] if stack[-1] else 0
                elif op == 0x05:  # SDIV
                    stack[-1] = _signed_quotient(a, stack[-1])
                elif op == 0x07:  # SMOD
                    stack[-1] = _signed_remainder(a, stack[-1])
                elif op == 0x08:  # ADDMOD
                    b = pop()
                    stack[-1] = (a + b) % stack[-1] if stack[-1] else 0
                elif op == 0x09:  # MULMOD
                    b = pop()
                    stack[-1] = (a * b) % stack[-1] if stack[-1] else 0
                elif op == 0x0A:  # EXP
                    gas -= _EXP_GAS_PER_BYTE * ((stack[-1].bit_length() + 7) >> 3)
                    if gas < 0:
                        raise OutOfGas("out of gas")
                    stack[-1] = pow(a, stack[-1], _WORD)
                else:  # SIGNEXTEND
                    stack[-1] = _sign_extended(a, stack[-1])
                continue

            elif op == 0x20:  # KECCAK256
                offset, size = pop(), stack[-1]
                gas -= _HASH_GAS_PER_WORD * ((size + 31) >> 5)
                if size and offset + size > len(memory):
                    gas, memory = _reserve(frame, gas, offset + size)
                if gas < 0:
                    raise OutOfGas("out of gas")
                stack[-1] = int.from_bytes(keccak256(bytes(memory[offset : offset + size])), "big")
                continue

            elif op == 0x35:  # CALLDATALOAD
                offset = stack[-1]
                stack[-1] = int.from_bytes(data[offset : offset + 32].ljust(32, b"\0"), "big")
                continue

            elif op == 0x37 or op == 0x39 or op == 0x3E:  # CALLDATACOPY, CODECOPY, RETURNDATACOPY  # noqa: PLR1714
                offset, start, size = pop(), pop(), pop()
                source = data if op == 0x37 else code if op == 0x39 else frame.return_data
                if op == 0x3E and start + size > len(source):
                    raise OutOfBoundsRead("return data is shorter")
                gas -= _COPY_GAS_PER_WORD * ((size + 31) >> 5)
                if size and offset + size > len(memory):
                    gas, memory = _reserve(frame, gas, offset + size)
                if gas < 0:
                    raise OutOfGas("out of gas")
                if size:
                    memory[offset : offset + size] = source[start : start + size].ljust(size, b"\0")
                continue

            elif op == 0x3D:  # RETURNDATASIZE
                push(len(frame.return_data))
            elif op == 0x47:  # SELFBALANCE
                push(state.accounts.get_balance(message.storage_address))
            else:
                constant = constants.get(op)
                if constant is None:
                    constant = constants[op] = _constant(frame, op)
                push(constant)

            if len(stack) > _STACK_LIMIT:
                raise FullStack("stack limit reached")
    except IndexError:
        if not is_ours:
            raise
        raise InsufficientStack("stack underflow") from None


def _constant(frame: Any, op: int) -> int:  # noqa: PLR0912 - one branch per instruction
    """The word that an instruction reads which does not change while the frame runs."""
    message = frame.msg
    if op == 0x36:  # CALLDATASIZE
        return len(message.data)
    if op == 0x34:  # CALLVALUE
        return int(message.value)
    if op == 0x33:  # CALLER
        return int.from_bytes(message.sender, "big")
    if op == 0x30:  # ADDRESS
        return int.from_bytes(message.storage_address, "big")
    if op == 0x38:  # CODESIZE
        return len(message.code)
    if op == 0x32:  # ORIGIN
        return int.from_bytes(frame.transaction_context.origin, "big")
    if op == 0x3A:  # GASPRICE
        return int(frame.transaction_context.gas_price)
    block = frame.state.execution_context
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


def _reserve(frame: Any, gas: int, end: int) -> tuple[int, bytearray]:
    """Grow the frame's memory to hold `end` bytes; gas left after that, and the memory. Raises `OutOfGas`."""
    before, after = len(frame._memory._bytes) >> 5, (end + 31) >> 5
    gas -= 3 * (after - before) + (after * after >> 9) - (before * before >> 9)
    if gas < 0:
        raise OutOfGas("out of gas")
    frame._memory.extend(0, end)
    memory: bytearray = frame._memory._bytes
    return gas, memory


def _signed(value: int) -> int:
    return value - _WORD if value >= _SIGN else value


def _signed_quotient(numerator: int, denominator: int) -> int:
    if not denominator:
        return 0
    left, right = _signed(numerator), _signed(denominator)
    quotient = abs(left) // abs(right)
    return (-quotient if (left < 0) != (right < 0) else quotient) & _MASK


def _signed_remainder(numerator: int, denominator: int) -> int:
    if not denominator:
        return 0
    left, right = _signed(numerator), _signed(denominator)
    remainder = abs(left) % abs(right)
    return (-remainder if left < 0 else remainder) & _MASK


def _sign_extended(size: int, value: int) -> int:
    """`value` as a signed number of `size + 1` bytes."""
    if size > 30:
        return value
    sign = 1 << (8 * size + 7)
    return (value | (_WORD - sign)) if value & sign else value & (sign - 1)
