"""Calls and creations as deep as the machine allows, on a thread as the node runs them."""

from concurrent.futures import ThreadPoolExecutor

from genesis.types import Address
from openledger_node.evm.records import AccountOverride, CallRequest, CallResult
from tests.evm import world

CONTRACT = Address(b"\x77" * 20)
# Adds one to slot 0, calls itself, and returns slot 0.
CALL_ITSELF = bytes.fromhex("60016000540160005560006000600060006000305af15060005460005260206000f3")
# Creates a contract whose initcode is this code.
CREATE_ITSELF = bytes.fromhex("383d3d39383d3df000")
GAS = 10**15


def _on_a_thread(request: CallRequest) -> CallResult:
    snapshot = world.open_chain().snapshot()
    with ThreadPoolExecutor(1) as pool:
        overrides = {CONTRACT: AccountOverride(code=CALL_ITSELF)}
        return pool.submit(snapshot.call, request, overrides).result()


def test_calls_stop_at_depth_1024() -> None:
    result = _on_a_thread(world.call(CONTRACT, gas=GAS))
    assert result.error is None
    assert int.from_bytes(result.output, "big") == 1025


def test_creations_stop_there_too() -> None:
    assert _on_a_thread(world.call(None, CREATE_ITSELF, gas=GAS)).error is None
