"""Every operator is gone with its keys: a forced withdrawal is derived, proposed by an outsider, paid."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from genesis.networks import DEV, DEV_DEPLOYER
from openledger_node.client.account import dev_private_key
from openledger_node.node.keys import write_key
from tests.clients.programs import anvil, require_npm
from tests.integration.network import DevNode, wait_until
from tests.integration.services import ask, free_port, service
from tests.integration.test_rollup import ARTIFACTS, OPEN, PASSER, PREDEPLOYS, contract, send

pytestmark = [pytest.mark.npm, pytest.mark.slow]

MESSAGE_PASSED = Web3.to_hex(
    Web3.keccak(text="MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)")
)


@pytest.fixture
def l1_url() -> Iterator[str]:
    require_npm()
    with anvil("--block-time", "1", "--chain-id", "31337") as url:
        yield url


def mine(l1_url: str, blocks: int) -> None:
    """So many L1 blocks at once, a second apart; from then on a block for every transaction."""
    ask(l1_url, "evm_setIntervalMining", 0)
    ask(l1_url, "anvil_mine", hex(blocks), "0x1")
    ask(l1_url, "evm_setAutomine", True)


@pytest.mark.timeout(900)
def test_a_user_exits_with_nothing_but_the_l1_and_a_stranger(l1_url: str, tmp_path: Path) -> None:
    node = DevNode(tmp_path / "dev", "--l1.url", l1_url).start()
    addresses = node.config["contracts"]
    node.close()

    l1 = Web3(Web3.HTTPProvider(l1_url))
    user, outsider = Account.from_key(dev_private_key(1)), Account.create()
    recipient = Account.create().address
    portal = contract(l1, ARTIFACTS, "Portal", addresses["portal"])
    token = contract(l1, ARTIFACTS, "OpenToken", addresses["open_token"])
    oracle = contract(l1, ARTIFACTS, "OutputOracle", addresses["output_oracle"])
    stake(l1, outsider, token, oracle)
    passer = contract(l1, PREDEPLOYS, "L2ToL1MessagePasser", PASSER)
    call = passer.encode_abi("initiateWithdrawal", [recipient, 100_000, b""])
    send(l1, user, portal.functions.depositTransaction(passer.address, 3 * OPEN, 200_000, False, call))
    assert not oracle.functions.mayPropose(outsider.address).call(), "the proposer may yet come back"
    mine(l1_url, DEV.sequencing_window + DEV.proposer_grace_s // 2)
    assert oracle.functions.mayPropose(outsider.address).call()

    with stranger(tmp_path, l1_url, outsider) as l2_url:
        initiated = wait_until(lambda: withdrawal_of(l2_url), "the forced withdrawal on the L2", 300)
        found = wait_until(
            lambda: ask(l2_url, "openledger_getWithdrawalProof", initiated), "an output that covers it", 400
        )
    fields = withdrawal_fields(found["withdrawal"])
    root = tuple(found["outputRootProof"].values())
    index = int(found["l2OutputIndex"], 16)
    prove = portal.functions.proveWithdrawalTransaction(fields, index, root, found["withdrawalProof"])
    send(l1, user, prove)
    mine(l1_url, DEV.finalization_period_s + 2)
    send(l1, user, portal.functions.finalizeWithdrawalTransaction(fields))
    assert token.functions.balanceOf(recipient).call() == 3 * OPEN


def stake(l1: Web3, outsider: LocalAccount, token: Any, oracle: Any) -> None:
    """Anyone with OPEN may: no operator is asked."""
    deployer = Account.from_key(dev_private_key(DEV_DEPLOYER))
    amount = DEV.minimum_validator_stake_wei
    send(l1, deployer, token.functions.transfer(outsider.address, amount))
    l1.provider.make_request("anvil_setBalance", [outsider.address, hex(10**20)])  # type: ignore[arg-type]  # its own
    staking = contract(l1, ARTIFACTS, "ValidatorStaking", oracle.functions.staking().call())
    send(l1, outsider, token.functions.approve(staking.address, amount))
    send(l1, outsider, staking.functions.stake(amount))
    assert staking.functions.isValidator(outsider.address).call()


@contextmanager
def stranger(directory: Path, l1_url: str, outsider: LocalAccount) -> Iterator[str]:
    """A node of somebody who has the network's two files and an L1, and proposes; yields its URL."""
    key = write_key(directory / "outsider.key", bytes(outsider.key))
    port = free_port()
    arguments = ["run", "--role", "verifier,proposer", "--datadir", str(directory / "stranger")]
    arguments += ["--rollup.config", str(directory / "dev" / "rollup.json")]
    arguments += ["--rollup.genesis", str(directory / "dev" / "genesis.json"), "--l1.url", l1_url]
    arguments += ["--http.port", port, "--metrics.port", "0", "--keys.proposer", str(key)]
    with service(directory / "stranger.log", *arguments):
        yield f"http://127.0.0.1:{port}"


def withdrawal_of(l2_url: str) -> str | None:
    query = {"address": PASSER, "topics": [MESSAGE_PASSED], "fromBlock": "0x0", "toBlock": "latest"}
    logs = ask(l2_url, "eth_getLogs", query)
    return logs[0]["transactionHash"] if logs else None


def withdrawal_fields(withdrawal: dict[str, str]) -> tuple[Any, ...]:
    number = {name: int(withdrawal[name], 16) for name in ("nonce", "value", "gasLimit")}
    sender, target = (Web3.to_checksum_address(withdrawal[name]) for name in ("sender", "target"))
    return (number["nonce"], sender, target, number["value"], number["gasLimit"], withdrawal["data"])
