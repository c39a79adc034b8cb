"""Reads that look through blocks end by themselves."""

from dataclasses import replace
from typing import Any

import pytest

from openledger_node.rpc.context import ReadLimits
from openledger_node.rpc.errors import LIMIT_EXCEEDED, TIMED_OUT, RpcError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.log_filter import log_filter
from openledger_node.rpc.log_methods import BLOCKS_AT_A_TIME, LogMethods
from tests.rpc.asking import Ask
from tests.rpc.conftest import UNLOCKED
from tests.rpc.running_node import RunningNode


@pytest.fixture(scope="module")
def logging_blocks(node: RunningNode, ask: Ask, counter: str) -> int:
    """The number of the first of two blocks that have two logs each."""
    first = int(ask("eth_blockNumber"), 16) + 1
    for _ in range(2):
        for _ in range(2):
            ask("eth_sendTransaction", {"from": UNLOCKED, "to": counter, "gas": "0x186a0"})
        node.mine()
    return first


def logs(node: RunningNode, limits: ReadLimits, first: int, last: int) -> list[dict[str, Any]]:
    methods = LogMethods(replace(node.context, limits=limits))
    return methods.logs(log_filter({"fromBlock": hex(first), "toBlock": hex(last)}))


def test_too_many_logs_name_a_range_that_would_do(node: RunningNode, logging_blocks: int) -> None:
    first, last = logging_blocks, logging_blocks + 1
    assert len(logs(node, ReadLimits(log_results=4), first, last)) == 4
    with pytest.raises(RpcError, match=f"ask for blocks {first} to {first}") as caught:
        logs(node, ReadLimits(log_results=3), first, last)
    assert caught.value.code == LIMIT_EXCEEDED
    assert len(logs(node, ReadLimits(log_results=3), first, first)) == 2
    with pytest.raises(RpcError, match="name addresses or topics"):
        logs(node, ReadLimits(log_results=1), first, last)


def test_logs_are_found_across_the_looks_at_the_clock(node: RunningNode, logging_blocks: int) -> None:
    node.mine(2 * BLOCKS_AT_A_TIME)
    for first in range(max(0, logging_blocks - BLOCKS_AT_A_TIME), logging_blocks, 7):
        assert len(logs(node, ReadLimits(), first, node.chain.heads.unsafe.number)) >= 4
    with pytest.raises(RpcError, match="too wide"):
        logs(node, ReadLimits(log_blocks=10), 0, 10)


def test_time_runs_out(node: RunningNode, logging_blocks: int) -> None:
    hurried = replace(node.context, limits=ReadLimits(read_time_s=-1.0))
    with pytest.raises(RpcError, match="fewer blocks") as caught:
        logs(node, hurried.limits, 0, logging_blocks)
    assert caught.value.code == TIMED_OUT
    history = FeeMethods(hurried).table()["eth_feeHistory"].answer
    assert len(history(3, logging_blocks, ())["gasUsedRatio"]) == 3
    with pytest.raises(RpcError, match="fewer blocks"):
        history(3, logging_blocks, (50.0,))


def test_rewards_are_those_of_each_block(node: RunningNode, logging_blocks: int) -> None:
    history = FeeMethods(node.context).table()["eth_feeHistory"].answer
    answer = history(3, logging_blocks + 1, (0.0, 100.0))
    assert len(answer["reward"]) == 3
    assert all(int(tip, 16) > 0 for tip in answer["reward"][-1])
