"""What web3.py's module suites find on a chain: its test contracts, one log, one transfer, an empty block."""

from dataclasses import dataclass
from typing import Any

from web3 import Web3
from web3._utils.contract_sources.contract_data.emitter_contract import EMITTER_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.math_contract import MATH_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.offchain_lookup import OFFCHAIN_LOOKUP_DATA
from web3._utils.contract_sources.contract_data.panic_errors_contract import PANIC_ERRORS_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.revert_contract import REVERT_CONTRACT_DATA
from web3._utils.contract_sources.contract_data.storage_contract import STORAGE_CONTRACT_DATA
from web3.types import Wei

from tests.clients.accounts import RECEIPT_PATIENCE_S
from tests.integration.services import ask

TELLER = 8
"""The development account that the suites send from."""
LOG_DOUBLE_WITH_INDEX = 9
CONTRACTS: dict[str, Any] = {
    "math": MATH_CONTRACT_DATA,
    "emitter": EMITTER_CONTRACT_DATA,
    "revert": REVERT_CONTRACT_DATA,
    "offchain_lookup": OFFCHAIN_LOOKUP_DATA,
    "panic_errors": PANIC_ERRORS_CONTRACT_DATA,
    "storage": STORAGE_CONTRACT_DATA,
}


@dataclass(frozen=True)
class Story:
    """Hashes are `0x…` strings, blocks as web3.py shows them."""

    url: str
    account: str
    addresses: dict[str, str]
    math_deployed: str
    logged: str
    block_with_log: Any
    mined: str
    block_with_transaction: Any
    empty_block: Any


def tell(url: str) -> Story:
    """Send from an unlocked account whatever the suites look for."""
    w3 = Web3(Web3.HTTPProvider(url))
    account = w3.eth.accounts[TELLER]

    def mined(sent: Any) -> Any:
        receipt = w3.eth.wait_for_transaction_receipt(sent, RECEIPT_PATIENCE_S, 0.1)
        assert receipt["status"] == 1
        return receipt

    deployed = {
        name: w3.eth.contract(**contract).constructor().transact({"from": account})
        for name, contract in CONTRACTS.items()
    }
    addresses = {name: str(mined(sent)["contractAddress"]) for name, sent in deployed.items()}
    emitter = w3.eth.contract(w3.to_checksum_address(addresses["emitter"]), abi=EMITTER_CONTRACT_DATA["abi"])
    double = emitter.functions.logDouble(LOG_DOUBLE_WITH_INDEX, 12345, 54321)
    logged = mined(double.transact({"from": account}))
    # The suites look for a change of what the genesis block's miner has: that is nobody, the zero address.
    genesis_miner = w3.eth.get_block(0)["miner"]
    transfer = mined(w3.eth.send_transaction({"from": account, "to": genesis_miner, "value": Wei(1)}))
    ask(url, "evm_mine")
    return Story(
        url=url,
        account=account,
        addresses=addresses,
        math_deployed=w3.to_hex(deployed["math"]),
        logged=w3.to_hex(logged["transactionHash"]),
        block_with_log=w3.eth.get_block(logged["blockHash"]),
        mined=w3.to_hex(transfer["transactionHash"]),
        block_with_transaction=w3.eth.get_block(transfer["blockHash"]),
        empty_block=w3.eth.get_block("latest"),
    )
