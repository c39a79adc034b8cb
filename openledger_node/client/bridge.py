"""Where the rollup's L1 contracts are, and what it takes to bring a withdrawal to its money there.

Covered: the proof for the portal under the first output at or after the withdrawal's block, and how far a
withdrawal has come. Not covered: sending.
Source: OP Stack specification, withdrawals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.types import Address
from openledger_node.client.abi import interface_from_artefact
from openledger_node.client.contract import Contract, Event
from openledger_node.client.ethereum import Ethereum, from_hex, hex_bytes
from rollup_bridge.withdrawals.withdrawal import Withdrawal, message_passer_slot, withdrawal_hash

ZERO_WORD = bytes(32)
CONFIG_KEYS = {
    "Portal": "deposit_contract_address",
    "OutputOracle": "output_oracle_address",
    "OpenToken": "open_token_address",
    "OpenVault": "open_vault_address",
    "AttestationRewards": "attestation_rewards_address",
}

Stage = Literal["waiting-to-prove", "ready-to-prove", "waiting-to-finalize", "ready-to-finalize", "finalized"]
"""Names as in viem's `getWithdrawalStatus`."""


@cache
def l1_contract(name: str, address: Address) -> Contract:
    """One of the rollup's L1 contracts with its compiled ABI."""
    artefact = files("rollup_bridge") / "contracts" / "artifacts" / f"{name}.json"
    return Contract(address, interface_from_artefact(artefact.read_text()))


async def l1_contracts(l2: Ethereum) -> Mapping[str, Contract]:
    """The rollup's L1 contracts, by the node's own account of where they are."""
    config = await l2.rpc.call("optimism_rollupConfig")
    return {name: l1_contract(name, Address(from_hex(config[key]))) for name, key in CONFIG_KEYS.items()}


def withdrawal_of(passed: Event) -> Withdrawal:
    """The withdrawal behind a MessagePassed event."""
    values = passed.arguments
    return Withdrawal(
        nonce=values["nonce"],
        sender=Address(values["sender"]),
        target=Address(values["target"]),
        value_wei=values["value"],
        gas_limit=values["gasLimit"],
        data=values["data"],
    )


@dataclass(frozen=True, slots=True)
class BridgeReader:
    """Both chains and the contracts between them."""

    l1: Ethereum
    l2: Ethereum
    contracts: Mapping[str, Contract]

    async def is_covered(self, l2_number: int) -> bool:
        """True iff an output at or after an L2 block stands on the L1."""
        latest = await self.l1.read(self.contracts["OutputOracle"], "latestBlockNumber")
        return int(latest) >= l2_number

    async def proof(self, withdrawal: Withdrawal, l2_number: int) -> tuple[Any, ...]:
        """The arguments of `proveWithdrawalTransaction`, once an output covers the withdrawal's block."""
        oracle = self.contracts["OutputOracle"]
        index = int(await self.l1.read(oracle, "getL2OutputIndexAfter", l2_number))
        covered = int((await self.l1.read(oracle, "getL2Output", index))["l2BlockNumber"])
        block = await self.l2.block(covered)
        slot = message_passer_slot(withdrawal_hash(withdrawal))
        proof = await self.l2.rpc.call(
            "eth_getProof", hex_bytes(L2_TO_L1_MESSAGE_PASSER), [hex_bytes(slot)], hex(covered)
        )
        roots = (block["stateRoot"], proof["storageHash"], block["hash"])
        nodes = [from_hex(node) for node in proof["storageProof"][0]["proof"]]
        return withdrawal.fields, index, (ZERO_WORD, *map(from_hex, roots)), nodes

    async def stage(self, withdrawal: Withdrawal, l2_number: int) -> Stage:
        """How far a withdrawal has come. One under an output that was deleted is to be proven again."""
        portal, oracle = self.contracts["Portal"], self.contracts["OutputOracle"]
        identity = withdrawal_hash(withdrawal)
        if await self.l1.read(portal, "finalizedWithdrawals", identity):
            return "finalized"
        root, proven_s, index = await self.l1.read(portal, "provenWithdrawals", identity)
        stands = proven_s and index <= int(await self.l1.read(oracle, "latestOutputIndex"))
        output = await self.l1.read(oracle, "getL2Output", index) if stands else None
        if output is None or output["outputRoot"] != root:
            return "ready-to-prove" if await self.is_covered(l2_number) else "waiting-to-prove"
        period_s = int(await self.l1.read(oracle, "FINALIZATION_PERIOD_SECONDS"))
        if await self.l1.timestamp_s() <= proven_s + period_s:
            return "waiting-to-finalize"
        final = await self.l1.read(portal, "isOutputFinalized", index)
        return "ready-to-finalize" if final else "waiting-to-finalize"
