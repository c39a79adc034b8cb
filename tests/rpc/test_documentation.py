"""docs/json-rpc.md says what there is: methods and limits."""

import re
from pathlib import Path
from typing import Any

import pytest

from openledger_node.rpc.context import ReadLimits
from openledger_node.rpc.dispatch import RpcLimits
from openledger_node.rpc.economy_methods import EconomyMethods
from openledger_node.rpc.market_methods import MarketMethods
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.ports import EconomyDoor
from openledger_node.rpc.record_methods import RecordMethods
from openledger_node.rpc.rollup_methods import RollupMethods
from tests.rpc.running_node import RunningNode

PAGE = (Path(__file__).parents[2] / "docs" / "json-rpc.md").read_text()
TEST_CLIENT = ("anvil_", "evm_", "hardhat_")


class NoRollup:
    sync_status = output_at_block = rollup_config = withdrawal_proof = safe_head_at_l1_block = None


def documented() -> set[str]:
    """Names in the table of methods: words in backquotes, after the namespace they stand under."""
    rows = PAGE.split("## Methods")[1].split("Tracers:")[0].splitlines()
    found: set[str] = set()
    for row in rows:
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if len(cells) != 3 or "`" not in cells[0]:
            continue
        namespace = cells[0].split("`")[1]
        for text in re.findall(r"`([^`]+)`", cells[1]):
            if text.endswith("_"):
                namespace = text
            else:
                found |= {name if "." in name else namespace + name for name in text.split()}
    return found - {"eth_subscribe", "eth_unsubscribe"}


def test_every_method_is_documented(node: RunningNode) -> None:
    rollup: Any = NoRollup()
    context = node.context
    parts = [
        build_methods(context),
        EconomyMethods(context).table(),
        MarketMethods(context).table(),
        RecordMethods(EconomyDoor()).table(),
        RollupMethods(context, rollup).table(),
    ]
    names = {name for part in parts for name in part if not name.startswith(TEST_CLIENT)}
    # Anvil's name for a transaction without a signature.
    names -= {"eth_sendUnsignedTransaction"}
    assert documented() - {"testing_buildBlockV1"} == names


@pytest.mark.parametrize(
    "figure",
    [
        f"| {RpcLimits().request_bytes >> 20} MiB, {RpcLimits().body_time_s:.0f} s |",
        f"| {RpcLimits().response_bytes >> 20} MiB |",
        f"| {RpcLimits().batch_requests:,}, {RpcLimits().batch_time_s:.0f} s |",
        f"| {RpcLimits().answer_time_s:.0f} s |",
        f"| {ReadLimits().call_gas:,} gas, {ReadLimits().call_time_s:.0f} s |",
        f"| {ReadLimits().trace_time_s:.0f} s |",
        f"| {ReadLimits().log_blocks:,}, {ReadLimits().log_results:,}, {ReadLimits().read_time_s:.0f} s |",
        f"| {ReadLimits().history_blocks:,} blocks, 100 percentiles |",
        f"| {RpcLimits().connections:,}, {RpcLimits().subscriptions} |",
        f"| {RpcLimits().queued_messages:,} messages, {RpcLimits().queued_bytes >> 20} MiB;",
    ],
)
def test_limits_are_the_documented_ones(figure: str) -> None:
    assert figure in PAGE
