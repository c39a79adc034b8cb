"""Jump destinations against a plain walk; time on codes made to be slow; delegations."""

import time

import pytest
from eth.exceptions import InvalidJumpDestination
from hypothesis import given
from hypothesis import strategies as st

from openledger_node.evm import interpreter
from openledger_node.evm.code import Code, JumpTable, delegation_target
from openledger_node.evm.compiled import INTERPRETER

LARGEST = 24_576
# Mostly pushes and jump destinations, so that they fall into each other's data.
crafted = st.lists(
    st.sampled_from([0x5B, 0x5B, 0x5B, 0x60, 0x61, 0x7E, 0x7F, 0x5F, 0x00, 0x80]) | st.integers(0, 255),
    max_size=700,
).map(bytes)


def walked(code: bytes) -> set[int]:
    """Destinations by the definition (Yellow Paper, 9.4.3)."""
    found, position = set(), 0
    while position < len(code):
        opcode = code[position]
        if opcode == 0x5B:
            found.add(position)
        position += 1 + (opcode - 0x5F if 0x60 <= opcode <= 0x7F else 0)
    return found


@given(crafted)
def test_destinations(code: bytes) -> None:
    table = JumpTable(code)
    assert {position for position in range(len(code) + 40) if table.holds(position)} == walked(code)


@given(st.integers(0, 40), st.integers(0x60, 0x7F), st.integers(200, 300))
def test_pushes_across_a_mark(before: int, push: int, gap: int) -> None:
    code = b"\x5b" * before + b"\x01" * gap + bytes((push,)) + b"\x5b" * 70
    table = JumpTable(code)
    assert {position for position in range(len(code)) if table.holds(position)} == walked(code)


def test_order_of_questions_does_not_matter() -> None:
    code = (b"\x5b\x61\x5b\x5b" * 300)[:-1]
    forward, backward = JumpTable(code), JumpTable(code)
    there = [forward.holds(position) for position in range(len(code))]
    assert there == [backward.holds(position) for position in reversed(range(len(code)))][::-1]


@pytest.mark.parametrize(
    "pattern", [b"\x5b", b"\x60\x5b", b"\x5b\x60\x5b", b"\x60\x5b\x61\x5b\x5b", b"\x7f" + b"\x5b" * 32]
)
def test_no_code_is_slow(pattern: bytes) -> None:
    codes = [(index.to_bytes(2, "big") + pattern * LARGEST)[: LARGEST - 1] + b"\x5b" for index in range(20)]
    start = time.process_time()
    for code in codes:
        JumpTable(code).holds(LARGEST - 1)
    # A loop takes up to five milliseconds each.
    assert time.process_time() - start < 20 * 0.002


def test_code_asks_its_table() -> None:
    assert Code(b"\x5b\x60\x5b").is_valid_opcode(0)
    for code, position in ((b"\x5b\x60\x5b", 2), (b"", 0)):
        with pytest.raises(InvalidJumpDestination):
            Code(code).is_valid_opcode(position)


def test_delegation_target() -> None:
    target = bytes(range(20))
    assert delegation_target(b"\xef\x01\x00" + target) == target
    assert delegation_target(b"\xef\x01\x00" + target + b"\0") is None
    assert delegation_target(b"\xef\x01\x01" + target) is None


@given(st.binary(max_size=2_000), st.booleans())
def test_both_ways_to_walk_agree(code: bytes, has_pushes: bool) -> None:
    if has_pushes:
        code = bytes(byte | 0x60 for byte in code)
    expected = JumpTable(code)
    for loop in (interpreter, INTERPRETER):
        ours = JumpTable(code, loop._walk, loop._find_marks)
        for position in range(len(code) + 2):
            assert ours.holds(position) == expected.holds(position)
