"""The running network as clients take it."""

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from tests.clients.accounts import fresh_account
from tests.clients.notebook import ABI, BYTECODE
from tests.integration.network import DevNode


@pytest.fixture(scope="module")
def l2(dev_node: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(dev_node.url("rpc")))


@pytest.fixture(scope="module")
def l1(dev_node: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(dev_node.url("l1")))


@pytest.fixture(scope="module")
def account(l2: Web3) -> LocalAccount:
    """100 OPEN on L2, of this test module alone."""
    return fresh_account(l2, 100)


@pytest.fixture(scope="module")
def request_base(dev_node: DevNode, account: LocalAccount) -> dict[str, Any]:
    """What every Node.js script is told."""
    return {
        "url": dev_node.url("rpc"),
        "l1Url": dev_node.url("l1"),
        "key": Web3.to_hex(account.key),
        "contracts": dev_node.config["contracts"],
        "abi": ABI,
        "bytecode": BYTECODE,
    }
