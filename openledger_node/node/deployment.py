"""How a rollup's contracts get onto an L1: fund the operators, send the plan, wait, check.

Not covered: which transactions and why (`rollup_bridge.deploy`, pure).
"""

import asyncio
from collections.abc import Sequence

import structlog

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.account import Account, TransactionFields
from openledger_node.client.ethereum import Ethereum, hex_bytes
from openledger_node.errors import StartError
from rollup_bridge.deploy import (
    Deployment,
    DeploymentParameters,
    DeploymentTransaction,
    plan_deployment,
    predict_deployment,
)

log = structlog.get_logger(__name__)

RECEIPT_POLL_S = 0.2
RECEIPT_PATIENCE_S = 120.0
PRIORITY_FEE_WEI = 10**9
TRANSFER_GAS = 21_000
_CREATED = (
    "open_token",
    "open_vault",
    "portal",
    "output_oracle",
    "system_config",
    "validator_staking",
    "l1_messenger",
    "l1_bridge",
    "dispute_game",
    "jury_verifier",
    "attestation_rewards",
)


async def deploy_contracts(l1: Ethereum, deployer: Account, parameters: DeploymentParameters) -> Deployment:
    """Send the whole plan and wait for it; raises StartError naming the transaction that failed."""
    plan = plan_deployment(parameters)
    sent = [await _send(l1, deployer, step) for step in plan]
    for step, transaction_hash in zip(plan, sent, strict=True):
        await _await_success(l1, transaction_hash, step.label)
    deployment = predict_deployment(parameters)
    for name in _CREATED:
        code = await l1.rpc.call("eth_getCode", hex_bytes(getattr(deployment, name)), "latest")
        if code == "0x":
            raise StartError(f"{name} has no code after deployment", "start again on a fresh L1")
    log.info("contracts deployed", portal=deployment.portal, output_oracle=deployment.output_oracle)
    return deployment


async def fund(l1: Ethereum, payer: Account, recipients: Sequence[Address], minimum_wei: int) -> None:
    """Bring every recipient below `minimum_wei` up to it, from `payer`."""
    nonce = await l1.nonce(payer.address)
    sent: list[Hash32] = []
    for recipient in recipients:
        missing = minimum_wei - await l1.balance_wei(recipient)
        if missing > 0:
            step = DeploymentTransaction("fund an operator", nonce + len(sent), recipient, b"", TRANSFER_GAS)
            sent.append(await _send(l1, payer, step, missing))
    for transaction_hash in sent:
        await _await_success(l1, transaction_hash, "fund an operator")


async def _send(l1: Ethereum, sender: Account, step: DeploymentTransaction, value_wei: int = 0) -> Hash32:
    base_fee_wei = int((await l1.block())["baseFeePerGas"], 16)
    raw = sender.sign_transaction(
        TransactionFields(
            chain_id=await l1.chain_id(),
            nonce=step.nonce,
            to=step.to,
            value_wei=value_wei,
            data=step.data,
            gas=step.gas_limit,
            max_fee_wei=4 * base_fee_wei + PRIORITY_FEE_WEI,
            max_priority_fee_wei=PRIORITY_FEE_WEI,
        )
    )
    await l1.rpc.call("eth_sendRawTransaction", hex_bytes(raw))
    return keccak256(raw)


async def _await_success(l1: Ethereum, transaction_hash: Hash32, label: str) -> None:
    try:
        async with asyncio.timeout(RECEIPT_PATIENCE_S):
            while (receipt := await l1.receipt(transaction_hash)) is None:
                await asyncio.sleep(RECEIPT_POLL_S)
    except TimeoutError:
        raise StartError(
            f"'{label}' is in no L1 block after {RECEIPT_PATIENCE_S:.0f} s", "check that the L1 mines"
        ) from None
    if receipt["status"] != "0x1":
        raise StartError(f"'{label}' failed on the L1", f"look at transaction {hex_bytes(transaction_hash)}")
