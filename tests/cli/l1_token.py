"""An ERC-20 on a development network's L1, as somebody brings one who was there before."""

import asyncio

from eth_abi.abi import encode
from eth_account import Account as EthAccount

from genesis.contracts.artifact import read_artifact
from genesis.types import Address
from openledger_node.client.account import dev_account, dev_private_key
from openledger_node.client.ethereum import Ethereum, hex_bytes
from openledger_node.client.rpc import HttpRpc
from rollup_bridge.deploy import ARTIFACTS, contract_address

GAS = 3_000_000


def deploy_token(l1_url: str, owner: int) -> str:
    """A token whose whole supply is a development account's; its address."""
    return asyncio.run(_deploy(l1_url, owner))


async def _deploy(l1_url: str, owner: int) -> str:
    account = dev_account(owner).address
    code = read_artifact(ARTIFACTS, "OpenToken").bytecode + encode(["address"], [hex_bytes(account)])
    async with HttpRpc(l1_url) as rpc:
        l1 = Ethereum(rpc)
        nonce = await l1.nonce(account)
        signed = EthAccount.from_key(dev_private_key(owner)).sign_transaction(
            {
                "type": 2,
                "chainId": await l1.chain_id(),
                "nonce": nonce,
                "gas": GAS,
                "maxFeePerGas": 100 * 10**9,
                "maxPriorityFeePerGas": 10**9,
                "to": "",
                "value": 0,
                "data": code,
            }
        )
        await rpc.call("eth_sendRawTransaction", hex_bytes(bytes(signed.raw_transaction)))
        created: Address = contract_address(account, nonce)
        while await rpc.call("eth_getCode", hex_bytes(created), "latest") == "0x":
            await asyncio.sleep(0.2)
    return hex_bytes(created)
