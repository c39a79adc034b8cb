"""Tracers say what geth's say, on calls and on transactions of a block."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.errors import CallError, TraceTooLargeError
from openledger_node.evm.records import AccountOverride
from openledger_node.evm.tracers.refused_calls import RefusedCall
from openledger_node.evm.trie import EMPTY_ROOT
from tests.evm import world
from tests.evm.world import ALICE, BOB, ROLLUP

CALLER = Address(b"\x61" * 20)
# Calls REVERT with no data and one wei, then stops.
CALL_REVERT = bytes.fromhex("6000600060006000600173") + world.REVERT_ADDRESS + bytes.fromhex("61fffff15000")
OVERRIDES = {CALLER: AccountOverride(code=CALL_REVERT, balance_wei=5)}


def _trace(tracer: str, to: Address, data: bytes = b"", **options: Any) -> Any:
    snapshot = world.open_chain().snapshot()
    return snapshot.trace_call(world.call(to, data), tracer, options, overrides=OVERRIDES)


def test_struct_logs_of_a_store() -> None:
    trace = _trace("", world.STORE_ADDRESS, world.word(5))
    assert trace["failed"] is False
    names = [log["op"] for log in trace["structLogs"]]
    assert names == [
        "PUSH1",
        "CALLDATALOAD",
        "PUSH1",
        "SSTORE",
        "PUSH1",
        "CALLDATALOAD",
        "PUSH1",
        "PUSH1",
        "LOG1",
        "STOP",
    ]
    store = trace["structLogs"][3]
    assert store["pc"] == 5
    assert store["stack"] == ["0x5", "0x0"]
    assert store["gasCost"] == 22_100
    assert store["depth"] == 1
    assert store["storage"] == {"0x" + "0" * 64: f"0x{5:064x}"}
    costs = [log["gas"] - log["gasCost"] for log in trace["structLogs"]]
    assert costs[:-1] == [log["gas"] for log in trace["structLogs"][1:]]


def test_struct_log_options() -> None:
    trace = _trace("", world.REVERT_ADDRESS, b"abc", disableStack=True, enableMemory=True, limit=3)
    assert len(trace["structLogs"]) == 3
    assert "stack" not in trace["structLogs"][0]
    assert trace["structLogs"][0]["memory"] == []
    assert trace["failed"] is True
    assert trace["returnValue"] == "0x" + b"abc".hex()


def test_call_tracer_shows_the_tree() -> None:
    trace = _trace("callTracer", CALLER)
    assert trace["type"] == "CALL"
    assert trace["to"] == "0x" + CALLER.hex()
    assert "error" not in trace
    assert trace["gas"] == hex(world.call(CALLER, b"").gas), "the transaction's limit"
    (inner,) = trace["calls"]
    assert inner["from"] == "0x" + CALLER.hex()
    assert inner["to"] == "0x" + world.REVERT_ADDRESS.hex()
    assert inner["error"] == "execution reverted"
    assert inner["value"] == "0x1"
    assert inner["gas"] == hex(0xFFFF + 2300)
    assert "calls" not in _trace("callTracer", CALLER, onlyTopCall=True)


def test_call_tracer_decodes_a_reason_and_keeps_logs() -> None:
    text = b"too late"
    reason = bytes.fromhex("08c379a0") + world.word(32) + world.word(len(text)) + text.ljust(32, b"\0")
    trace = _trace("callTracer", world.REVERT_ADDRESS, reason)
    assert trace["revertReason"] == "too late"
    with_log = _trace("callTracer", world.STORE_ADDRESS, world.word(1), withLog=True)
    assert with_log["logs"][0]["topics"] == ["0x" + world.word(1).hex()]


def test_call_tracer_shows_creations_and_selfdestructs() -> None:
    chain = world.open_chain()
    created = chain.snapshot().trace_call(
        world.call(None, bytes.fromhex("600060005360016000f3")), "callTracer", {}
    )
    assert created["type"] == "CREATE"
    assert created["output"] == "0x00"
    destroyed = _trace("callTracer", world.SELFDESTRUCT_ADDRESS)
    assert destroyed["calls"][0]["type"] == "SELFDESTRUCT"


def test_selector_tracer_counts() -> None:
    assert _trace("4byteTracer", world.STORE_ADDRESS, world.word(1)) == {"0x00000000-28": 1}


def test_unknown_tracer_is_refused() -> None:
    with pytest.raises(CallError, match="not known"):
        _trace("noTracer", CALLER)


def _block() -> Chain:
    chain = world.open_chain()
    chain.import_block(
        world.inputs(
            chain,
            world.deposit(Address(b"\xaa" * 20), BOB.address, mint_wei=5, value_wei=5),
            ALICE.sign(ROLLUP, to=world.STORE_ADDRESS, data=world.word(4), value=2),
            ALICE.sign(ROLLUP, to=world.STORE_ADDRESS, data=world.word(6), value=0, nonce=1),
        )
    )
    return chain


def test_tracing_a_block_replays_it() -> None:
    chain = _block()
    parent = chain.snapshot(chain.genesis.header)
    traces = parent.trace_block(chain.head, "callTracer", {})
    used = [hex(receipt.gas_used) for receipt in chain.head.receipts]
    assert [trace["gasUsed"] for trace in traces] == used
    (only,) = parent.trace_block(chain.head, "callTracer", {}, only_index=1)
    assert only == traces[1]


def test_prestate_and_difference() -> None:
    chain = _block()
    parent = chain.snapshot(chain.genesis.header)
    (before,) = parent.trace_block(chain.head, "prestateTracer", {}, only_index=2)
    store = "0x" + world.STORE_ADDRESS.hex()
    assert before[store]["storage"] == {"0x" + "0" * 64: f"0x{4:064x}"}
    assert before["0x" + ALICE.address.hex()]["nonce"] == 1
    (changed,) = parent.trace_block(chain.head, "prestateTracer", {"diffMode": True}, only_index=2)
    assert changed["post"][store] == {"storage": {"0x" + "0" * 64: f"0x{6:064x}"}}
    assert changed["pre"][store]["storage"] == {"0x" + "0" * 64: f"0x{4:064x}"}
    assert changed["post"]["0x" + ALICE.address.hex()]["nonce"] == 2


def test_prestate_of_what_is_created_is_nothing() -> None:
    snapshot = world.open_chain().snapshot()
    # Stores 1 at slot 0, creates a contract by each instruction from empty initcode, and returns a byte.
    code = bytes.fromhex("60016000555f5f5ff0505f5f5f5ff55060016000f3")
    request = world.call(None, code)
    before = snapshot.trace_call(request, "prestateTracer", {})
    empty = snapshot.trace_call(request, "prestateTracer", {"includeEmpty": True})
    changed = snapshot.trace_call(request, "prestateTracer", {"diffMode": True})
    sender = "0x" + request.sender.hex()
    made = set(changed["post"]) - {sender}
    assert len(made) == 3
    assert not made & set(before)
    assert set(changed["pre"]) == {sender}
    assert made <= set(empty)
    assert all(empty[each]["balance"] == "0x0" for each in made)
    outer = next(each for each in made if "storage" in changed["post"][each])
    assert changed["post"][outer]["nonce"] == 3
    assert changed["post"][outer]["code"] == "0x00"


def _trace_code(tracer: str, code: str, gas: int = 3_000_000, **options: Any) -> Any:
    """CALLER has the code and is the sender's callee."""
    overrides = {CALLER: AccountOverride(code=bytes.fromhex(code), balance_wei=5)}
    request = replace(world.call(CALLER, b""), gas=gas)
    return world.open_chain().snapshot().trace_call(request, tracer, options, overrides=overrides)


# Logs CALLDATASIZE bytes; called with data it ends there, else it calls itself with one byte and logs again.
LOG, AGAIN = "365fa0", "5f5f60015f5f305af150"
NESTED = f"{LOG}36601457{AGAIN}{LOG}5b00"
# As above, but every frame reverts at its end.
REVERTING = f"{LOG}36601457{AGAIN}{LOG}5b5f5ffd"


def test_logs_belong_to_the_frame_that_emitted_them() -> None:
    trace = _trace_code("callTracer", NESTED, withLog=True)
    (inner,) = trace["calls"]
    assert [(log["index"], log["position"]) for log in trace["logs"]] == [("0x0", "0x0"), ("0x2", "0x1")]
    assert [(log["index"], log["data"]) for log in inner["logs"]] == [("0x1", "0x00")]
    top = _trace_code("callTracer", NESTED, withLog=True, onlyTopCall=True)
    assert [log["index"] for log in top["logs"]] == ["0x0", "0x2"]
    failed = _trace_code("callTracer", REVERTING, withLog=True)
    assert "logs" not in failed
    assert "logs" not in failed["calls"][0]


@pytest.mark.parametrize(
    ("tracer", "code", "options"),
    [
        ("", "5f" * 1_000 + "5b" + "5f50" * 20 + "6103e856", {}),
        ("", "5f620fffff525b" + "5f50" * 20 + "600656", {"enableMemory": True, "disableStack": True}),
        ("", "5f5b8054508060015560010160" + "0156", {}),
        ("callTracer", "5b5f5f6207ffff5f5f60995af1505f56", {}),
    ],
)
def test_a_trace_is_given_up_before_memory_is(tracer: str, code: str, options: dict[str, Any]) -> None:
    """A full stack, large memory, many slots, large calldata: each step repeats them all."""
    with pytest.raises(TraceTooLargeError, match="trace too large"):
        _trace_code(tracer, code, **options)


def test_what_is_left_out_takes_no_room() -> None:
    trace = _trace_code("", "5f" * 1_000 + "5b" + "5f50" * 20 + "6103e856", 200_000, limit=2_000)
    assert len(trace["structLogs"]) == 2_000
    top = _trace_code("callTracer", "5b5f5f6207ffff5f5f60995af1505f56", 700_000, onlyTopCall=True)
    assert top["error"] == "out of gas"


@pytest.mark.parametrize(
    ("code", "names", "error"),
    [
        ("5f", ["PUSH0", "STOP"], None),
        ("20", ["KECCAK256"], "stack underflow"),
        ("44", ["DIFFICULTY", "STOP"], None),
        ("0c", ["opcode 0xc not defined"], "invalid opcode: opcode 0xc not defined"),
        ("fe", ["INVALID"], "invalid opcode: INVALID"),
        ("5f56", ["PUSH0", "JUMP"], "invalid jump destination"),
    ],
)
def test_names_of_instructions_and_halts(code: str, names: list[str], error: str | None) -> None:
    trace = _trace_code("", code)
    assert [log["op"] for log in trace["structLogs"]] == names
    assert _trace_code("callTracer", code).get("error") == error


def test_the_cost_of_a_creation_leaves_out_its_code() -> None:
    # Creates a contract of 32 zero bytes with init code that returns memory: PUSH1 32, PUSH0, RETURN.
    create = "6360205ff35f52" + "6004601c5ff000"
    trace = _trace_code("", create)
    costs = {log["op"]: log["gasCost"] for log in trace["structLogs"] if log["depth"] == 2}
    assert costs["RETURN"] == 3


def test_calls_that_cannot_begin_are_frames_as_well() -> None:
    # CALL with 1,000 wei and 50,000 gas, then CREATE with 1,000 wei of three bytes; the account has 5.
    call = "5f5f60035f6103e873" + "dd" * 20 + "61c350f150"
    trace = _trace_code("callTracer", f"{call}60035f6103e8f05000")
    called, created = trace["calls"]
    assert called == {
        "from": "0x" + CALLER.hex(),
        "gas": hex(50_000 + 2_300),
        "gasUsed": "0x0",
        "to": "0x" + "dd" * 20,
        "input": "0x000000",
        "value": "0x3e8",
        "type": "CALL",
        "error": "insufficient balance for transfer",
    }
    assert (created["type"], created["error"]) == ("CREATE", "insufficient balance for transfer")
    assert "to" not in created
    assert "calls" not in _trace_code("callTracer", call, onlyTopCall=True)
    last = _trace_code("callTracer", call[:-2])
    assert [frame["error"] for frame in last["calls"]] == ["insufficient balance for transfer"]


def test_a_call_that_is_too_deep_is_refused() -> None:
    """No gas reaches that depth since EIP-150, so the frame is made up."""
    accounts = AccountState(world.open_chain().engine._rules.nodes, EMPTY_ROOT)
    stack = SimpleNamespace(values=[0, 0, 0, 0, 7, 100_000])
    message = SimpleNamespace(depth=1_024, storage_address=CALLER)
    meter, memory = SimpleNamespace(gas_remaining=6_400), SimpleNamespace(_bytes=bytearray())
    frame = SimpleNamespace(msg=message, _stack=stack, _memory=memory, _gas_meter=meter)
    refused = RefusedCall.of(frame, "STATICCALL", accounts)
    assert refused is not None
    shown = refused.shown()
    assert (shown["error"], shown["gas"]) == ("max call depth exceeded", hex(6_300))
    assert "value" not in shown
    message.depth = 1_023
    assert RefusedCall.of(frame, "STATICCALL", accounts) is None


@pytest.mark.parametrize(
    ("code", "error", "cost"),
    [
        ("fe", None, 0),
        ("21", None, 0),
        ("600056", None, 8),
        ("60006000fd", None, 0),
        ("01", "stack underflow", 3),
        ("5f5ffd", None, 0),
    ],
)
def test_struct_logs_tell_faults_that_are_found_before_execution(
    code: str, error: str | None, cost: int
) -> None:
    trace = _trace_code("", code)
    last = trace["structLogs"][-1]
    assert trace["failed"] is True
    assert (last.get("error"), last["gasCost"]) == (error, cost)


def test_struct_logs_of_a_refused_call_show_the_gas_it_was_given() -> None:
    call = "5f5f5f5f6103e873" + "dd" * 20 + "61c350f1"
    log = _trace_code("", f"{call}00")["structLogs"][-2]
    assert (log["op"], log["gasCost"]) == ("CALL", 2_600 + 9_000 + 25_000 + 50_000)


def test_accounts_without_code_run_nothing() -> None:
    call = "5f5f5f5f5f73" + "dd" * 20 + "61c350f1"
    assert [log["op"] for log in _trace_code("", f"{call}00")["structLogs"]][-2:] == ["CALL", "STOP"]
    assert {log["depth"] for log in _trace_code("", f"{call}00")["structLogs"]} == {1}
