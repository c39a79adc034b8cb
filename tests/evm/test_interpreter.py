"""The loop, compiled and not, against py-evm's instructions one by one: every opcode on edge operands,
creations, random programs."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.account import GenesisAccount
from genesis.forks import Fork
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.evm import interpreter
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.allocation import materialise
from openledger_node.evm.compiled import INTERPRETER, IS_COMPILED
from openledger_node.evm.context import BlockContext, machine
from openledger_node.evm.instructions import created_address
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Header, Transaction
from openledger_node.evm.transaction_processing import Ran, run_message
from openledger_node.evm.vm import ExecutionTimeoutError, MachineState
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.differential.ours import make

CODE = Address(b"\x77" * 20)
DELEGATED = Address(b"\x55" * 20)
DELEGATED_TWICE = Address(b"\x44" * 20)
DELEGATED_TO_PRECOMPILE = Address(b"\x33" * 20)
SENDER = Address(b"\x66" * 20)
WORDS = (0, 1, 2, 30, 31, 32, 255, 256, 2**128, 2**255 - 1, 2**255, 2**255 + 1, 2**256 - 2, 2**256 - 1)
BINARY = (*range(0x01, 0x08), 0x0A, 0x0B, *range(0x10, 0x15), 0x16, 0x17, 0x18, *range(0x1A, 0x1E))
UNARY = (0x15, 0x19, 0x1E, 0x35)
TERNARY = (0x08, 0x09)
READS = (0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3A, 0x3D, *range(0x41, 0x49), 0x58, 0x59, 0x5A, 0x5F)
RETURN_TOP = bytes.fromhex("5f5260205ff3")
words = st.sampled_from(WORDS) | st.integers(0, 2**256 - 1)


class Watcher:
    """A tracer that only makes the machine take py-evm's instructions."""

    def enter(self, frame: Any) -> None: ...

    def step(self, frame: Any, opcode: int, mnemonic: str) -> None: ...

    def leave(self, frame: Any) -> None: ...


class NoHeaders:
    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return None


def state_with(code: bytes, fork: Fork) -> MachineState:
    store = MemoryKeyValue()
    accounts = {
        CODE: GenesisAccount(nonce=1, balance_wei=12345, code=code, storage={1: 7}),
        SENDER: GenesisAccount(balance_wei=10**18),
        DELEGATED: GenesisAccount(code=b"\xef\x01\x00" + CODE),
        DELEGATED_TWICE: GenesisAccount(code=b"\xef\x01\x00" + DELEGATED),
        DELEGATED_TO_PRECOMPILE: GenesisAccount(code=b"\xef\x01\x00" + bytes(19) + b"\x04"),
        # Storage and nothing else, where CREATE2 of no code with the salt 1 leads.
        created_address(CODE, 1, 1, b""): GenesisAccount(storage={5: 5}),
    }
    root, writes = materialise(accounts)
    store.write(writes)
    context = BlockContext(
        chain_id=31337,
        fork=fork,
        number=77,
        parent_hash=ZERO_HASH,
        timestamp_s=1_700_000_000,
        coinbase=Address(b"\xc0" * 20),
        gas_limit=30_000_000,
        base_fee_wei=7,
        prev_randao=Hash32(b"\x05" * 32),
        excess_blob_gas=0,
    )
    return machine(AccountState(NodeStore(store), root), context, NoHeaders(), {})


def message(gas: int, data: bytes = b"") -> Transaction:
    return Transaction(
        type=2,
        hash=ZERO_HASH,
        raw=b"",
        sender=SENDER,
        to=CODE,
        nonce=0,
        gas=gas,
        value_wei=3,
        data=data,
        chain_id=31337,
        max_fee_wei=9,
        max_priority_fee_wei=9,
        v=0,
        r=0,
        s=0,
    )


FIRST_AND_LAST = (Fork.CANCUN, Fork.OSAKA)
LOOPS = (interpreter, INTERPRETER) if IS_COMPILED else (interpreter,)


def outcome(
    code: bytes, fork: Fork, loop: Any = None, *, gas: int = 200_000, data: bytes = b""
) -> tuple[Any, ...]:
    """What `loop` does with the code, or py-evm's instructions if there is none."""
    state = state_with(code, fork)
    if loop is None:
        state.tracer = Watcher()
    else:
        state.interpreter = loop
    ran: Ran = run_message(state, message(gas, data), 0, 9)
    kept = [state.accounts.get_storage(CODE, slot) for slot in range(4)]
    logs, refund = list(state.accounts.logs), state.accounts.refund
    warm = state.accounts.warm_entries()
    state.accounts.end_transaction()
    root = state.accounts.make_root({}, {})
    return ran.gas_used, ran.output, ran.error, ran.contract_address, kept, logs, refund, set(warm), root


def assert_same(
    code: bytes,
    *,
    gas: int = 200_000,
    data: bytes = b"",
    forks: tuple[Fork, ...] = (Fork.CANCUN, Fork.PRAGUE, Fork.OSAKA),
) -> tuple[Any, ...]:
    for fork in forks:
        expected = outcome(code, fork, gas=gas, data=data)
        for loop in LOOPS:
            assert outcome(code, fork, loop, gas=gas, data=data) == expected, (fork, loop, code.hex())
    return expected


def push(value: int) -> bytes:
    return b"\x7f" + value.to_bytes(32, "big")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BINARY), words, words)
def test_two_operands(opcode: int, a: int, b: int) -> None:
    assert_same(push(b) + push(a) + bytes((opcode,)) + RETURN_TOP)


@pytest.mark.parametrize("opcode", BINARY)
def test_two_operands_at_the_edges(opcode: int) -> None:
    """All pairs at once: the results are added up in storage by XOR with a rotation."""
    for a in WORDS:
        code = b"".join(
            push(b) + push(a) + bytes((opcode,)) + bytes.fromhex("5f5460 03 02 18 5f55") for b in WORDS
        )
        assert assert_same(code, gas=1_000_000, forks=(Fork.OSAKA,))[2] is None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(UNARY), words, st.binary(max_size=80))
def test_one_operand(opcode: int, a: int, data: bytes) -> None:
    assert_same(push(a) + bytes((opcode,)) + RETURN_TOP, data=data)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(TERNARY), words, words, words)
def test_three_operands(opcode: int, a: int, b: int, c: int) -> None:
    assert_same(push(c) + push(b) + push(a) + bytes((opcode,)) + RETURN_TOP)


@pytest.mark.parametrize("opcode", READS)
def test_opcodes_that_read_push_the_same(opcode: int) -> None:
    assert_same(bytes((opcode, opcode, 0x03, opcode, 0x17)) + RETURN_TOP, data=b"abc")


@pytest.mark.parametrize("opcode", range(256))
def test_every_opcode_with_too_little_and_enough(opcode: int) -> None:
    for operands in range(8):
        code = b"\x60\x20" * operands + bytes((opcode,)) + b"\x60\x01\x60\x01\x55"
        assert_same(code, forks=FIRST_AND_LAST)
    assert_same(b"\x60\x20" * 1024 + bytes((opcode,)), forks=FIRST_AND_LAST)
    assert_same(b"\x60\x20" * 1023 + bytes((opcode,)), forks=FIRST_AND_LAST)


offsets = st.sampled_from([0, 1, 31, 32, 33, 64, 1000, 2**16, 2**32, 2**64, 2**256 - 1])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0x20, 0x37, 0x39, 0x3E, 0x51, 0x52, 0x53, 0x5E, 0xF3, 0xFD, 0xA0]),
    offsets,
    offsets,
    offsets,
    st.integers(22_400, 60_000),
)
def test_opcodes_on_memory_grow_and_charge_it_alike(opcode: int, a: int, b: int, c: int, gas: int) -> None:
    # Something in memory and in return data first, then what became of both.
    before = push(2**256 // 3) + bytes.fromhex("5f52") + bytes.fromhex("60205f60205f60045afa50")
    after = bytes.fromhex("5960015559 5f20600255".replace(" ", ""))
    assert_same(before + push(c) + push(b) + push(a) + bytes((opcode,)) + after, gas=gas, data=b"data" * 20)
    assert_same(before + push(c) + push(b) + push(a) + bytes((opcode,)) + after, gas=10**6, data=b"data" * 20)


@pytest.mark.parametrize(
    "code",
    [
        # Pushes that the code's end cuts short.
        "61",
        "6101",
        "7f01",
        "60",
        # Jumps: good, into push data, past the end, to no destination, conditional both ways.
        "6003565b600160015500",
        "600456605b00",
        "60ff56",
        "600056",
        "5f6006575b00",
        "60016006575b5b6001600155",
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff56",
        # A loop that ends when the gas does.
        "5b5f56",
        # Ends behind the last instruction.
        "6001600155",
        "",
    ],
)
def test_jumps_and_ends_are_alike_at_any_gas(code: str) -> None:
    for gas in (*range(21_000, 21_030), 45_000, 200_000):
        assert_same(bytes.fromhex(code), gas=gas)


def test_gas_runs_out_at_the_same_instruction() -> None:
    code = bytes.fromhex("5b60015f5260205f2060015560016001016002555f5f5f5f5f305af1505f56")
    for gas in range(21_000, 90_000, 1_009):
        assert_same(code, gas=gas)


@pytest.mark.parametrize("seed", range(6))
def test_random_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []
    for loop in LOOPS:
        monkeypatch.setattr(MachineState, "interpreter", loop)
        answers.append(make(seed, 10)[1])
    monkeypatch.setattr(MachineState, "tracer", property(lambda _: Watcher(), lambda *_: None), raising=False)
    _, slow = make(seed, 10)
    assert answers == [slow] * len(LOOPS)


def test_time_is_watched() -> None:
    state = state_with(bytes.fromhex("5b5f56"), Fork.PRAGUE)
    state.deadline_s = 0.0
    with pytest.raises(ExecutionTimeoutError):
        run_message(state, message(20_000_000), 0, 0)


def test_time_runs_out_in_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_with(bytes.fromhex("5b5f56"), Fork.PRAGUE)
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) > 3:
            raise ExecutionTimeoutError("late")

    state.deadline_s = 1.0
    monkeypatch.setattr(state, "check_time", check)
    with pytest.raises(ExecutionTimeoutError):
        run_message(state, message(20_000_000), 0, 0)


def test_a_fault_of_an_instruction_is_not_taken_for_underflow(monkeypatch: pytest.MonkeyPatch) -> None:
    state = state_with(bytes.fromhex("6001545000"), Fork.PRAGUE)

    def fault(address: Address, slot: int) -> int:
        raise IndexError

    monkeypatch.setattr(state.accounts, "get_storage", fault)
    with pytest.raises(IndexError):
        run_message(state, message(100_000), 0, 0)


def creation(size: int, value: int, opcode: int = 0xF0) -> bytes:
    return push(7) + push(size) + push(0) + push(value) + bytes((opcode,)) + b"\x60\x01\x55"


@pytest.mark.parametrize("opcode", [0xF0, 0xF5])
@pytest.mark.parametrize("size", [0, 1, 32, 49_152, 49_153])
@pytest.mark.parametrize("value", [0, 12_345, 12_349])
def test_creation_of_any_size_and_value(opcode: int, size: int, value: int) -> None:
    assert_same(creation(size, value, opcode), gas=1_000_000)


@pytest.mark.parametrize("value", [0, 12_349])
def test_initcode_too_large_halts_even_without_the_money(value: int) -> None:
    """Source: EIP-3860; execution-specs and geth look at the size first."""
    assert assert_same(creation(49_153, value), gas=1_000_000)[2] == "out of gas"


def test_a_creation_over_storage_alone_collides() -> None:
    """Source: EIP-7610. The word on the stack goes to slot 0: zero for salt 1, an address for salt 2."""
    for salt, collides in ((1, True), (2, False)):
        code = b"\x60" + bytes((salt,)) + bytes.fromhex("5f5f5ff55f55")
        kept = assert_same(code)[4]
        assert (kept[0] == 0) is collides


@pytest.mark.parametrize("opcode", [0xF1, 0xF2, 0xF4, 0xFA])
@pytest.mark.parametrize("target", [DELEGATED, DELEGATED_TWICE, DELEGATED_TO_PRECOMPILE])
def test_a_delegation_is_followed_once_and_paid_for(opcode: int, target: Address) -> None:
    """Source: EIP-7702. What is called is this code, until the gas is gone, or nothing that can run."""
    operands = b"\x5f" * (5 if opcode < 0xF4 else 4)
    call = operands + b"\x73" + target + b"\x62\x01\x00\x00" + bytes((opcode,))
    assert_same(call + bytes.fromhex("3d5f55") + call + bytes.fromhex("60015500"), gas=300_000)


@pytest.mark.parametrize("gas", [2**62, 2**63 - 1, 2**63 + 21_000, 2**64])
def test_gas_at_the_end_of_the_counter(gas: int) -> None:
    """Calls with value give their callee more than they take."""
    call = (
        bytes.fromhex("5f5f5f5f600173")
        + DELEGATED_TO_PRECOMPILE
        + bytes.fromhex("5af1 5f55".replace(" ", ""))
    )
    assert_same(call + bytes.fromhex("5a600155"), gas=gas)


@pytest.mark.parametrize("code", ["6501000000000051", "5f650100000000005265", "7f" + "ff" * 32 + "51"])
def test_no_gas_pays_for_all_memory(code: str) -> None:
    for loop in LOOPS:
        assert outcome(bytes.fromhex(code), Fork.PRAGUE, loop, gas=2**62)[2] == "out of gas"
