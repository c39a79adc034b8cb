"""What users send across a running network, on each kind of L1: calls by deposit, withdrawals with viem's OP
Stack extension, and a token of the L1 to the L2 and home again."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from genesis.addresses import L2_STANDARD_BRIDGE, MINTABLE_ERC20_FACTORY, MULTICALL3
from genesis.contracts.artifact import read_artifact
from genesis.networks import DEV_DEPLOYER
from genesis.predeploys import preinstalls
from openledger_node.client.account import dev_private_key
from tests.clients.accounts import COIN, endow_on_l1, fresh_account
from tests.clients.notebook import ABI, BYTECODE
from tests.clients.programs import anvil, require_npm, run_script
from tests.integration.network import DevNode, wait_until
from tests.integration.test_exit import withdrawal_fields
from tests.integration.test_rollup import ARTIFACTS, PREDEPLOYS, contract, send

pytestmark = [pytest.mark.npm, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", params=["embedded", "anvil"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNode]:
    require_npm()
    if request.param == "embedded":
        yield request.getfixturevalue("dev_node")
        return
    with anvil("--block-time", "1", "--chain-id", "31337", "--slots-in-an-epoch", "1") as url:
        multicall = preinstalls()[MULTICALL3]
        l1 = Web3(Web3.HTTPProvider(url))
        code = [Web3.to_checksum_address(MULTICALL3), Web3.to_hex(multicall.code)]
        l1.provider.make_request("anvil_setCode", code)  # type: ignore[arg-type]  # anvil's own
        with DevNode(tmp_path_factory.mktemp("bridge"), "--l1.url", url) as node:
            yield node


@pytest.fixture
def l1(network: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(network.url("l1")))


@pytest.fixture
def l2(network: DevNode) -> Web3:
    return Web3(Web3.HTTPProvider(network.url("rpc")))


def test_viem_calls_by_deposit_and_withdraws(network: DevNode, l1: Web3, l2: Web3) -> None:
    account = fresh_account(l2, 100)
    endow_on_l1(l1, network.config["contracts"]["open_token"], account)
    request: dict[str, Any] = {
        "url": network.url("rpc"),
        "l1Url": network.url("l1"),
        "key": Web3.to_hex(account.key),
        "contracts": network.config["contracts"],
        "abi": ABI,
        "bytecode": BYTECODE,
    }
    found = run_script("viem_op_stack", request)
    assert found["called"] == {"status": "success", "from": account.address.lower(), "logs": 1}
    assert found["failed"] == "reverted"
    assert found["deposit"]["received"] == str(2 * COIN)
    assert (found["proven"], found["finalized"]) == ("success", "success")
    assert found["statuses"][-1] == "finalized"


def test_a_token_of_the_l1_goes_to_the_l2_and_home(network: DevNode, l1: Web3, l2: Web3) -> None:
    owner: LocalAccount = Account.from_key(dev_private_key(DEV_DEPLOYER))
    token = _token(l1, owner)
    bridge_address = contract(l2, PREDEPLOYS, "L2StandardBridge", _text(L2_STANDARD_BRIDGE))
    l1_bridge = contract(l1, ARTIFACTS, "L1StandardBridge", bridge_address.functions.otherBridge().call())
    user = fresh_account(l2, 10)
    twin = _twin(l2, user, token.address)
    send(l1, owner, token.functions.approve(l1_bridge.address, 5 * COIN))
    deposit = (token.address, twin.address, user.address, 5 * COIN, 200_000, b"")
    send(l1, owner, l1_bridge.functions.depositERC20To(*deposit))
    wait_until(lambda: twin.functions.balanceOf(user.address).call() == 5 * COIN, "the token on the L2")
    assert token.functions.balanceOf(l1_bridge.address).call() == 5 * COIN

    home = Account.create().address
    withdraw = bridge_address.functions.withdrawTo(twin.address, home, 2 * COIN, 200_000, b"")
    initiated = send(l2, user, withdraw)
    assert twin.functions.totalSupply().call() == 3 * COIN
    _bring_home(network, l1, owner, Web3.to_hex(initiated["transactionHash"]))
    assert token.functions.balanceOf(home).call() == 2 * COIN
    assert token.functions.balanceOf(l1_bridge.address).call() == 3 * COIN


def _text(address: bytes) -> str:
    return "0x" + address.hex()


def _token(l1: Web3, owner: LocalAccount) -> Any:
    """An ordinary ERC-20 on the L1, all of it the owner's."""
    artifact = read_artifact(ARTIFACTS, "OpenToken")
    factory = l1.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode)
    receipt = send(l1, owner, factory.constructor(owner.address))
    return contract(l1, ARTIFACTS, "OpenToken", receipt["contractAddress"])


def _twin(l2: Web3, user: LocalAccount, l1_token: str) -> Any:
    """The token that stands for it on the L2."""
    factory = contract(l2, PREDEPLOYS, "OptimismMintableERC20Factory", _text(MINTABLE_ERC20_FACTORY))
    receipt = send(l2, user, factory.functions.createOptimismMintableERC20(l1_token, "Twin", "TWIN"))
    [created] = factory.events.OptimismMintableERC20Created().process_receipt(receipt)
    return contract(l2, PREDEPLOYS, "OptimismMintableERC20", created["args"]["localToken"])


def _bring_home(network: DevNode, l1: Web3, account: LocalAccount, transaction: str) -> None:
    """Prove and finalize what an L2 transaction initiated."""
    portal = contract(l1, ARTIFACTS, "Portal", network.config["contracts"]["portal"])

    def proof() -> Any:
        try:
            return network.rpc("openledger_getWithdrawalProof", transaction)
        except AssertionError:
            return None

    found = wait_until(proof, "an output that covers the withdrawal", 180)
    fields, root = withdrawal_fields(found["withdrawal"]), tuple(found["outputRootProof"].values())
    index = int(found["l2OutputIndex"], 16)
    prove = portal.functions.proveWithdrawalTransaction(fields, index, root, found["withdrawalProof"])
    send(l1, account, prove)

    def finalized() -> bool:
        try:
            send(l1, account, portal.functions.finalizeWithdrawalTransaction(fields))
        except Exception as error:  # noqa: BLE001 - any refusal means not yet; the wait has a limit
            return "already" in str(error)
        return True

    wait_until(finalized, "withdrawal final", poll_s=1.0)
