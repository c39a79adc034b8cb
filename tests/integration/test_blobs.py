"""Batches in blobs on a real L1: posted by price, read back by a verifier through the beacon route."""

from collections.abc import Iterator
from typing import Any

import pytest
from web3 import Web3

from genesis.addresses import batch_inbox
from genesis.spec import DEV_L2_CHAIN_ID
from tests.clients.accounts import fresh_account
from tests.clients.programs import anvil, require_npm
from tests.integration.network import DevNode, wait_until
from tests.integration.services import ask

pytestmark = [pytest.mark.npm, pytest.mark.slow]

INBOX = "0x" + batch_inbox(DEV_L2_CHAIN_ID).hex()


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    require_npm()
    with (
        anvil("--block-time", "2", "--chain-id", "31337") as url,
        DevNode(tmp_path_factory.mktemp("blobs"), "--l1.url", url, "--l1.beacon", url) as node,
    ):
        yield node


def batch_types(l1_url: str) -> set[str]:
    """Types of all transactions to the inbox so far."""
    head = int(ask(l1_url, "eth_blockNumber"), 16)
    blocks: list[Any] = [ask(l1_url, "eth_getBlockByNumber", hex(number), True) for number in range(head + 1)]
    return {each["type"] for block in blocks for each in block["transactions"] if each["to"] == INBOX}


def test_blobs_are_taken_while_they_are_cheaper(network: DevNode) -> None:
    l2_url, verifier_url = network.url("rpc"), network.url("verifier")
    paid = fresh_account(Web3(Web3.HTTPProvider(l2_url)), 3).address
    height = int(ask(l2_url, "eth_blockNumber"), 16)
    wait_until(lambda: int(ask(verifier_url, "eth_blockNumber") or "0x0", 16) >= height, "the verifier", 120)
    assert batch_types(network.url("l1")) == {"0x3"}, "blob gas costs 1 wei on a fresh anvil"
    for method, *parameters in (
        ("eth_getBalance", paid, hex(height)),
        *(("eth_getBlockByNumber", hex(number), False) for number in range(height + 1)),
    ):
        assert ask(verifier_url, method, *parameters) == ask(l2_url, method, *parameters)
