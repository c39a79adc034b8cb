"""Accounts that client tests send from: fresh ones, so that no test depends on another's nonces."""

from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import TxParams, Wei

from genesis.networks import DEV_DEPLOYER
from openledger_node.client.account import dev_private_key

PAYER = 9
COIN = 10**18
RECEIPT_PATIENCE_S = 30.0
ERC20_TRANSFER = bytes.fromhex("a9059cbb")


def fresh_account(w3: Web3, coins: int) -> LocalAccount:
    """A new account that holds `coins` of the chain's native token."""
    account: LocalAccount = Account.create()
    _pay(w3, PAYER, to=account.address, value=Wei(coins * COIN), gas=21_000)
    return account


def endow_on_l1(l1: Web3, token: str, account: LocalAccount) -> None:
    """Give an account 1 ETH and 10 OPEN on the L1."""
    _pay(l1, PAYER, to=account.address, value=Wei(COIN), gas=21_000)
    data = ERC20_TRANSFER + bytes.fromhex(account.address[2:]).rjust(32, b"\0") + (10 * COIN).to_bytes(32)
    _pay(l1, DEV_DEPLOYER, to=token, data=data, gas=100_000)


def _pay(w3: Web3, payer: int, **fields: Any) -> None:
    """Send from a dev account and wait until it is mined."""
    account = Account.from_key(dev_private_key(payer))
    base_fee_wei = w3.eth.get_block("latest")["baseFeePerGas"]
    transaction: TxParams = {
        "nonce": w3.eth.get_transaction_count(account.address, "pending"),
        "maxFeePerGas": Wei(3 * base_fee_wei + 10**9),
        "maxPriorityFeePerGas": Wei(10**9),
        "chainId": w3.eth.chain_id,
        **fields,  # type: ignore[typeddict-item]  # named by web3's own keys
    }
    sent = w3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(sent, RECEIPT_PATIENCE_S, 0.1)["status"] == 1
