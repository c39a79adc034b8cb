"""Reads of a chain that strangers fill."""

from typing import Any

import pytest

from genesis.addresses import DATANET_REGISTRY
from openledger_node.client.abi import Parameter, decode_values
from openledger_node.client.economy import DATANETS
from openledger_node.client.errors import RemoteError
from openledger_node.client.ethereum import LIMIT_EXCEEDED, Ethereum
from tests.client.law_node import LawNode

NAME = ("Digits", "sha256:00", bytes(32), bytes(32), 0, 0)


class StrictNode(LawNode):
    """Answers with a few logs at most, as nodes do."""

    most = 3

    def _eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        found = super()._eth_getLogs(query)
        if len(found) > self.most:
            raise RemoteError("eth_getLogs", LIMIT_EXCEEDED, "query returned more than 3 results")
        return found


async def test_events_are_read_in_parts_where_a_node_refuses_so_many() -> None:
    node = StrictNode()
    for _ in range(20):
        node.act(0, DATANET_REGISTRY, DATANETS.calldata("createDatanet", *NAME))
        node.advance(2)
    found = await Ethereum(node).events(DATANETS, "DatanetCreated")
    assert [event.arguments["datanetId"] for event in found] == list(range(1, 21))


async def test_a_block_that_is_too_full_is_an_error() -> None:
    node = StrictNode()
    node.most = 0
    node.act(0, DATANET_REGISTRY, DATANETS.calldata("createDatanet", *NAME))
    with pytest.raises(RemoteError):
        await Ethereum(node).events(DATANETS, "DatanetCreated")


def test_text_that_is_no_utf_8_can_be_read() -> None:
    """A string in the ABI is any bytes."""
    word = (32).to_bytes(32, "big") + (3).to_bytes(32, "big") + b"\xffab".ljust(32, b"\0")
    assert decode_values((Parameter("uri", "string"),), word) == ["�ab"]
