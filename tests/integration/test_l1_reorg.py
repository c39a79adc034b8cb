"""The L1 takes 1, 5, 32 blocks back, with deposits and batches in them, and nodes die meanwhile.

The network follows, posts again, and a verifier that saw both forks agrees.
"""

import time
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
from tests.integration.processes import kill, process_of, processes_of
from tests.integration.services import ask
from tests.integration.test_rollup import ARTIFACTS, OPEN, contract, send

pytestmark = [pytest.mark.npm, pytest.mark.slow]

RECOVERY_PATIENCE_S = 120.0
REORGS = (
    (1, False, "node"),
    (1, True, "verifier"),
    (5, False, "verifier"),
    (5, True, "node"),
    (32, False, "node"),
    (32, True, "verifier"),
)
"""Depth, whether the deposit is mined again in another block or dropped, and who is killed meanwhile. Batches
in the lost blocks are dropped every time."""


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """A network on an anvil that calls nothing final for a while, so that it may reorganise."""
    require_npm()
    with (
        anvil("--block-time", "1", "--chain-id", "31337", "--slots-in-an-epoch", "48") as url,
        DevNode(tmp_path_factory.mktemp("reorg"), "--l1.url", url) as node,
    ):
        yield node


def l1_rpc(network: DevNode, method: str, *parameters: Any) -> Any:
    body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    answer = requests.post(network.url("l1"), json=body, timeout=30).json()
    assert "error" not in answer, answer
    return answer["result"]


@pytest.mark.timeout(1800)
def test_deposits_and_batches_of_lost_forks(network: DevNode) -> None:
    l1, l2 = (Web3(Web3.HTTPProvider(network.url(name))) for name in ("l1", "rpc"))
    deployer = Account.from_key(dev_private_key(DEV_DEPLOYER))
    addresses = network.config["contracts"]
    token = contract(l1, ARTIFACTS, "OpenToken", addresses["open_token"])
    portal = contract(l1, ARTIFACTS, "Portal", addresses["portal"])
    send(l1, deployer, token.functions.approve(portal.address, 100 * OPEN))
    paid = fresh_account(l2, 3).address
    for depth, moved, killed in REORGS:
        depositor = Account.create().address
        deposit = portal.functions.depositERC20Transaction(depositor, OPEN, OPEN, 100_000, False, b"")
        deposited = send(l1, deployer, deposit)
        raw = l1.eth.get_raw_transaction(deposited["transactionHash"])
        wait_until(lambda who=depositor: balance(network, "rpc", who) == OPEN, "the deposit")
        first = deposited["blockNumber"]
        wait_until(lambda up_to=first + depth - 1: l1.eth.block_number >= up_to, "enough blocks")

        l1_rpc(network, "evm_setIntervalMining", 0)  # mining meanwhile would tear holes into anvil's chain
        length = l1.eth.block_number - first + 1
        l1_rpc(network, "anvil_reorg", length, [["0x" + raw.hex(), length - 1]] if moved else [])
        l1_rpc(network, "evm_setTime", int(time.time()))  # anvil's clock went back with its blocks
        l1_rpc(network, "evm_setIntervalMining", 1)
        assert l1.eth.get_block(first)["hash"] != deposited["blockHash"]
        if killed == "verifier":
            kill(wait_until(lambda: process_of(network.datadir, "verifier"), "a living verifier"))
        else:
            network.kill()
            wait_until(lambda: not processes_of(network.datadir), "the children's end")
            network.start()
        print(f"{length} blocks, deposit {'moved' if moved else 'dropped'}, {killed} killed")
        expected = OPEN if moved else 0
        wait_until(
            lambda who=depositor, due=expected: balance(network, "rpc", who) == due,
            "the deposit as the new fork has it",
            RECOVERY_PATIENCE_S,
        )
        agree(network, {depositor: expected, paid: 3 * OPEN})


def balance(network: DevNode, on: str, who: str) -> int | None:
    answer = ask(network.url(on), "eth_getBalance", who, "latest")
    return None if answer is None else int(answer, 16)


def agree(network: DevNode, balances: dict[str, int]) -> None:
    """Everything there is now becomes safe, and the verifier has the same blocks."""
    height = int(ask(network.url("rpc"), "eth_blockNumber"), 16)

    def safe(on: str) -> int:
        block = ask(network.url(on), "eth_getBlockByNumber", "safe", False)
        return -1 if block is None else int(block["number"], 16)

    wait_until(lambda: safe("rpc") >= height, "batches posted again", RECOVERY_PATIENCE_S)
    wait_until(lambda: safe("verifier") >= height, "the verifier on the new fork", RECOVERY_PATIENCE_S)
    for number in range(height + 1):
        own, derived = (
            ask(network.url(on), "eth_getBlockByNumber", hex(number), False) for on in ("rpc", "verifier")
        )
        assert own["hash"] == derived["hash"], number
    for who, due in balances.items():
        assert balance(network, "verifier", who) == due
