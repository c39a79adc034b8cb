"""Deposit, batch, verifier, withdrawal: the road to L1 and back, with web3.py, on each kind of L1."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from genesis.networks import DEV_DEPLOYER
from openledger_node.client.account import dev_private_key
from tests.clients.programs import anvil, require_npm
from tests.integration.network import DevNode, wait_until

OPEN = 10**18
PASSER = "0x4200000000000000000000000000000000000016"
ARTIFACTS = Path("rollup_bridge/contracts/artifacts")
PREDEPLOYS = Path("genesis/contracts/artifacts")


def contract(w3: Web3, folder: Path, name: str, address: str) -> Contract:
    abi = json.loads((folder / f"{name}.json").read_text())["abi"]
    return w3.eth.contract(address=Web3.to_checksum_address(address), abi=abi)


def send(w3: Web3, account: LocalAccount, call: Any, value: int = 0) -> Any:
    transaction = call.build_transaction(
        {"from": account.address, "nonce": w3.eth.get_transaction_count(account.address), "value": value}
    )
    sent = w3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    receipt = w3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.2)
    assert receipt["status"] == 1
    return receipt


@pytest.fixture(scope="module", params=["embedded", pytest.param("anvil", marks=pytest.mark.npm)])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    """A running network on the embedded L1, then on anvil: nothing but the URL differs."""
    if request.param == "embedded":
        yield request.getfixturevalue("dev_node")
        return
    require_npm()
    with (
        anvil("--block-time", "2", "--chain-id", "31337", "--slots-in-an-epoch", "1") as url,
        DevNode(tmp_path_factory.mktemp("anvil"), "--l1.url", url) as node,
    ):
        yield node


@pytest.fixture
def l1(network: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(network.url("l1")))


@pytest.fixture
def l2(network: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(network.url("rpc")))


def test_deposit_arrives_on_l2_and_a_verifier_derives_the_same_blocks(
    network: DevNode, l1: Web3, l2: Web3
) -> None:
    deployer = Account.from_key(dev_private_key(DEV_DEPLOYER))
    recipient = Account.create().address
    addresses = network.config["contracts"]
    token = contract(l1, ARTIFACTS, "OpenToken", addresses["open_token"])
    portal = contract(l1, ARTIFACTS, "Portal", addresses["portal"])
    send(l1, deployer, token.functions.approve(portal.address, 5 * OPEN))
    send(
        l1,
        deployer,
        portal.functions.depositERC20Transaction(recipient, 5 * OPEN, 5 * OPEN, 100_000, False, b""),
    )
    wait_until(lambda: l2.eth.get_balance(recipient) == 5 * OPEN, "deposit on L2")
    height = l2.eth.block_number
    wait_until(lambda: l2.eth.get_block("safe")["number"] >= height, "safe head past the deposit")
    verifier = Web3(Web3.HTTPProvider(network.url("verifier")))
    wait_until(lambda: verifier.eth.block_number >= height, "verifier past the deposit")
    for number in range(height + 1):
        assert verifier.eth.get_block(number)["hash"] == l2.eth.get_block(number)["hash"]
    assert verifier.eth.get_balance(recipient) == 5 * OPEN


@pytest.mark.parametrize(
    "network",
    [pytest.param("embedded", marks=pytest.mark.slow), pytest.param("anvil", marks=pytest.mark.npm)],
    indirect=True,
)
def test_withdrawal_is_proved_and_paid_on_l1(network: DevNode, l1: Web3, l2: Web3) -> None:
    """On the embedded L1 money also leaves in the demo's tests, in viem's and in the contributor's page."""
    sender = Account.from_key(dev_private_key(1))
    recipient = Account.create().address
    addresses = network.config["contracts"]
    token = contract(l1, ARTIFACTS, "OpenToken", addresses["open_token"])
    portal = contract(l1, ARTIFACTS, "Portal", addresses["portal"])
    passer = contract(l2, PREDEPLOYS, "L2ToL1MessagePasser", PASSER)
    initiated = send(l2, sender, passer.functions.initiateWithdrawal(recipient, 100_000, b""), value=3 * OPEN)

    def proof() -> Any:
        try:
            return network.rpc("openledger_getWithdrawalProof", Web3.to_hex(initiated["transactionHash"]))
        except AssertionError:
            return None

    found = wait_until(proof, "an output that covers the withdrawal")
    withdrawal = found["withdrawal"]
    fields = (
        int(withdrawal["nonce"], 16),
        Web3.to_checksum_address(withdrawal["sender"]),
        Web3.to_checksum_address(withdrawal["target"]),
        int(withdrawal["value"], 16),
        int(withdrawal["gasLimit"], 16),
        withdrawal["data"],
    )
    root = found["outputRootProof"]
    root_fields = (
        root["version"],
        root["stateRoot"],
        root["messagePasserStorageRoot"],
        root["latestBlockhash"],
    )
    send(
        l1,
        sender,
        portal.functions.proveWithdrawalTransaction(
            fields, int(found["l2OutputIndex"], 16), root_fields, found["withdrawalProof"]
        ),
    )

    def finalized() -> bool:
        try:
            send(l1, sender, portal.functions.finalizeWithdrawalTransaction(fields))
        except Exception as error:  # noqa: BLE001 - any refusal means not yet; the wait has a limit
            return "already" in str(error)
        return True

    wait_until(finalized, "withdrawal final", poll_s=1.0)
    assert token.functions.balanceOf(recipient).call() == 3 * OPEN
