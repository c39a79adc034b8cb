"""Accounts that client tests send from: fresh ones, so that no test depends on another's nonces."""

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.types import TxParams, Wei

from openledger_node.client.account import dev_private_key

PAYER = 9
COIN = 10**18
RECEIPT_PATIENCE_S = 30.0


def fresh_account(w3: Web3, coins: int) -> LocalAccount:
    """A new account that holds `coins` of the chain's native token."""
    account: LocalAccount = Account.create()
    payer = Account.from_key(dev_private_key(PAYER))
    base_fee_wei = w3.eth.get_block("latest")["baseFeePerGas"]
    transaction: TxParams = {
        "to": account.address,
        "value": Wei(coins * COIN),
        "gas": 21_000,
        "nonce": w3.eth.get_transaction_count(payer.address, "pending"),
        "maxFeePerGas": Wei(3 * base_fee_wei + 10**9),
        "maxPriorityFeePerGas": Wei(10**9),
        "chainId": w3.eth.chain_id,
    }
    signed = payer.sign_transaction(transaction)
    sent = w3.eth.send_raw_transaction(signed.raw_transaction)
    assert w3.eth.wait_for_transaction_receipt(sent, RECEIPT_PATIENCE_S, 0.1)["status"] == 1
    return account
