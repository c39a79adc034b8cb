"""The L1 takes blocks back: the network follows, posts again, and a verifier that saw both forks agrees."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from eth_account import Account
from web3 import Web3

from genesis.networks import DEV_DEPLOYER
from openledger_node.client.account import dev_private_key
from tests.clients.accounts import fresh_account
from tests.clients.programs import anvil, require_npm
from tests.integration.network import DevNode, wait_until
from tests.integration.test_rollup import ARTIFACTS, OPEN, contract, send

pytestmark = [pytest.mark.npm, pytest.mark.slow]

RECOVERY_PATIENCE_S = 120.0


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """A network on an anvil that calls nothing final for a while, so that it may reorganise."""
    require_npm()
    with anvil("--block-time", "2", "--chain-id", "31337", "--slots-in-an-epoch", "32") as url:
        node = DevNode(tmp_path_factory.mktemp("reorg"), "--l1.url", url)
        try:
            yield node.start()
        finally:
            node.close()


def l1_rpc(network: DevNode, method: str, *parameters: Any) -> Any:
    body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    answer = requests.post(network.url("l1"), json=body, timeout=30).json()
    assert "error" not in answer, answer
    return answer["result"]


def test_deposit_and_batches_of_a_lost_fork(network: DevNode) -> None:
    l1, l2, verifier = (Web3(Web3.HTTPProvider(network.url(name))) for name in ("l1", "rpc", "verifier"))
    deployer = Account.from_key(dev_private_key(DEV_DEPLOYER))
    depositor = Account.create().address
    addresses = network.config["contracts"]
    token = contract(l1, ARTIFACTS, "OpenToken", addresses["open_token"])
    portal = contract(l1, ARTIFACTS, "Portal", addresses["portal"])
    send(l1, deployer, token.functions.approve(portal.address, OPEN))
    deposit = portal.functions.depositERC20Transaction(depositor, OPEN, OPEN, 100_000, False, b"")
    deposited = send(l1, deployer, deposit)
    paid = fresh_account(l2, 3)
    wait_until(lambda: verifier.eth.get_balance(depositor) == OPEN, "the deposit at the verifier")

    l1_rpc(network, "anvil_reorg", l1.eth.block_number - deposited["blockNumber"] + 1, [])

    assert l1.eth.get_block(deposited["blockNumber"])["hash"] != deposited["blockHash"]
    wait_until(lambda: l2.eth.get_balance(depositor) == 0, "the deposit taken back")
    wait_until(lambda: l2.eth.get_balance(paid.address) == 3 * OPEN, "the payment in a new block")
    height = l2.eth.block_number
    wait_until(
        lambda: l2.eth.get_block("safe")["number"] >= height, "batches posted again", RECOVERY_PATIENCE_S
    )
    wait_until(lambda: verifier.eth.block_number >= height, "the verifier on the new fork")
    for number in range(height + 1):
        assert verifier.eth.get_block(number)["hash"] == l2.eth.get_block(number)["hash"]
    assert verifier.eth.get_balance(depositor) == 0
    assert verifier.eth.get_balance(paid.address) == 3 * OPEN
