"""How any call to any precompile is dispatched."""

import pytest

from genesis.addresses import POLICY, PRECOMPILES, STAKING
from genesis.types import Address
from precompiles.contract import (
    DELEGATE_CALL_REVERT_DATA,
    STATIC_CALL_NOT_ALLOWED,
    UNKNOWN_FUNCTION_SELECTOR,
    VALUE_NOT_ALLOWED,
    Error,
    Event,
)
from precompiles.table import ADDRESSES, CONTRACTS
from tests.precompiles.calls import call, calldata
from tests.precompiles.scene import Scene
from tests.precompiles.world import Call


def outcome_of(target: Address, data: bytes, *, value_wei: int = 0, is_static: bool = False) -> bytes | None:
    scene = Scene()
    outcome = scene.machine.call(Call(scene.owner.address, target, data, value_wei, is_static))
    assert not outcome.succeeded
    return outcome.data


@pytest.mark.parametrize("target", PRECOMPILES)
@pytest.mark.parametrize("data", [b"", b"\1", b"\1\2\3"])
def test_short_calldata_reverts_with_nothing(target: Address, data: bytes) -> None:
    assert outcome_of(target, data) == b""
    assert outcome_of(target, data, value_wei=1) == b""


@pytest.mark.parametrize("target", PRECOMPILES)
def test_unknown_selectors_are_named(target: Address) -> None:
    expected = UNKNOWN_FUNCTION_SELECTOR(b"\1\2\3\4").data
    assert outcome_of(target, b"\1\2\3\4") == expected
    assert outcome_of(target, b"\1\2\3\4\5", value_wei=1, is_static=False) == expected


@pytest.mark.parametrize("target", PRECOMPILES)
def test_state_changes_are_refused_inside_static_calls(target: Address) -> None:
    changing = [each for each in CONTRACTS[target].methods if each.mutability != "view"]
    for method in changing:
        data = outcome_of(target, method.selector, is_static=True)
        assert data == STATIC_CALL_NOT_ALLOWED().data, method.name


def test_views_answer_inside_static_calls() -> None:
    scene = Scene()
    assert scene.machine.call(call(scene.owner.address, POLICY, "currentVersion", is_static=True)).succeeded


def test_malformed_arguments_revert_with_nothing() -> None:
    data = calldata(STAKING, "stakeOf", bytes(20), 1)
    assert outcome_of(STAKING, data[:-1]) == b""
    assert outcome_of(STAKING, data[:4] + b"\xff" * 64) == b""
    assert outcome_of(STAKING, data[:-1], value_wei=1) == b""


@pytest.mark.parametrize("target", PRECOMPILES)
def test_value_is_refused_unless_the_method_takes_it(target: Address) -> None:
    for method in CONTRACTS[target].methods:
        if method.mutability != "payable" and not any(each.type.is_dynamic for each in method.inputs):
            size = sum(each.type.head_bytes for each in method.inputs)
            data = outcome_of(target, method.selector + bytes(size), value_wei=1)
            assert data == VALUE_NOT_ALLOWED().data, method.name


def test_delegate_calls_have_an_answer() -> None:
    assert Error("error DelegateCallNotAllowed()").selector == DELEGATE_CALL_REVERT_DATA


def test_the_table_has_every_address() -> None:
    assert set(ADDRESSES) == set(PRECOMPILES)


def test_declarations_are_checked() -> None:
    for text in ("function f(", "event E", "struct S(uint256 a)"):
        with pytest.raises(ValueError, match="declaration"):
            Event(text)
