"""Step 9: one contributor brings the earnings to the L1: initiate, prove under an output, wait, finalize."""

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.types import Address
from openledger_node.client.abi import interface_from_artefact, interface_from_signatures
from openledger_node.client.contract import Contract
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import from_hex, hex_bytes
from openledger_node.demo.records import WithdrawalReport
from openledger_node.demo.world import CONTRIBUTORS, World, open_text
from openledger_node.errors import OpenLedgerError
from rollup_bridge.withdrawals.withdrawal import Withdrawal, message_passer_slot, withdrawal_hash

POLL_S = 0.5
PATIENCE_S = 120.0
L1_GAS_LIMIT = 100_000
ZERO_WORD = bytes(32)

MESSAGE_PASSER = Contract(
    L2_TO_L1_MESSAGE_PASSER,
    interface_from_signatures(
        "function initiateWithdrawal(address target, uint256 gasLimit, bytes data)",
        "event MessagePassed(uint256 indexed nonce, address indexed sender, address indexed target,"
        " uint256 value, uint256 gasLimit, bytes data, bytes32 withdrawalHash)",
    ),
)


@cache
def l1_contract(name: str, address: Address) -> Contract:
    """One of the rollup's L1 contracts with its compiled ABI."""
    artefact = files("rollup_bridge") / "contracts" / "artifacts" / f"{name}.json"
    return Contract(address, interface_from_artefact(artefact.read_text()))


async def l1_contracts(world: World) -> Mapping[str, Contract]:
    """The rollup's L1 contracts, by the node's own account of where they are."""
    config = await world.l2.rpc.call("optimism_rollupConfig")
    keys = {
        "Portal": "deposit_contract_address",
        "OutputOracle": "output_oracle_address",
        "OpenToken": "open_token_address",
        "OpenVault": "open_vault_address",
    }
    return {name: l1_contract(name, Address(from_hex(config[key]))) for name, key in keys.items()}


async def withdraw(world: World) -> None:
    """Contributor 1's earnings, all the way."""
    role = CONTRIBUTORS[0]
    account = world.address(role)
    rows = world.result.contributors
    amount_wei = next(int(row.earned_wei) for row in rows if row.account == f"0x{account.hex()}")
    contracts = await l1_contracts(world)
    before_wei = await world.l1.read(contracts["OpenToken"], "balanceOf", account)
    mined = await world.send(
        role, MESSAGE_PASSER, "initiateWithdrawal", account, L1_GAS_LIMIT, b"", value_wei=amount_wei
    )
    passed = mined.event("MessagePassed").arguments
    withdrawal = Withdrawal(
        nonce=passed["nonce"],
        sender=Address(passed["sender"]),
        target=Address(passed["target"]),
        value_wei=passed["value"],
        gas_limit=passed["gasLimit"],
        data=passed["data"],
    )
    world.say(f"{role} withdraws {open_text(amount_wei)}; waiting for an output on the L1")
    await _prove(world, role, withdrawal, mined.block_number, contracts)
    await _finalize(world, role, withdrawal, contracts["Portal"])
    after_wei = await world.l1.read(contracts["OpenToken"], "balanceOf", account)
    world.result.withdrawal = WithdrawalReport(
        account=hex_bytes(account),
        amount_wei=str(amount_wei),
        l1_balance_before_wei=str(before_wei),
        l1_balance_after_wei=str(after_wei),
        arrived=after_wei - before_wei == amount_wei,
    )
    world.say(f"on the L1: {open_text(after_wei)}")


async def _prove(
    world: World,
    role: str,
    withdrawal: Withdrawal,
    l2_number: int,
    contracts: Mapping[str, Contract],
) -> None:
    portal, oracle = contracts["Portal"], contracts["OutputOracle"]
    async with _patience("an output for the withdrawal"):
        while int(await world.l1.read(oracle, "latestBlockNumber")) < l2_number:
            await asyncio.sleep(POLL_S)
    index = int(await world.l1.read(oracle, "getL2OutputIndexAfter", l2_number))
    covered = int((await world.l1.read(oracle, "getL2Output", index))["l2BlockNumber"])
    block = await world.l2.block(covered)
    slot = message_passer_slot(withdrawal_hash(withdrawal))
    proof = await world.l2.rpc.call(
        "eth_getProof", hex_bytes(L2_TO_L1_MESSAGE_PASSER), [hex_bytes(slot)], hex(covered)
    )
    parts = (ZERO_WORD, from_hex(block["stateRoot"]), from_hex(proof["storageHash"]), from_hex(block["hash"]))
    nodes = [from_hex(node) for node in proof["storageProof"][0]["proof"]]
    await world.send(
        role,
        portal,
        "proveWithdrawalTransaction",
        withdrawal.fields,
        index,
        parts,
        nodes,
        chain="L1",
    )


async def _finalize(world: World, role: str, withdrawal: Withdrawal, portal: Contract) -> None:
    """Try until the portal's waiting time is over."""
    async with _patience("the withdrawal to mature"):
        while True:
            try:
                await world.send(role, portal, "finalizeWithdrawalTransaction", withdrawal.fields, chain="L1")
                return
            except RevertedError as error:
                if error.name != "TooEarly":
                    raise
            await asyncio.sleep(POLL_S)


class _patience:  # noqa: N801 - used as a verb: `async with _patience("...")`
    """A time limit that says what was waited for."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._timeout = asyncio.timeout(PATIENCE_S)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *exception: Any) -> None:
        try:
            await self._timeout.__aexit__(*exception)
        except TimeoutError:
            raise OpenLedgerError(
                f"waited {PATIENCE_S:.0f} s for {self._what}",
                "see the batcher and proposer in the node's log",
            ) from None
