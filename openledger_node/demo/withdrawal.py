"""Step 9: one contributor brings the earnings to the L1: initiate, prove under an output, wait, finalize."""

import asyncio
from collections.abc import Mapping
from typing import Any

from openledger_node.client.bridge import BridgeReader, l1_contracts, withdrawal_of
from openledger_node.client.contract import Contract
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.predeploys import MESSAGE_PASSER
from openledger_node.demo.records import WithdrawalReport
from openledger_node.demo.world import CONTRIBUTORS, World, open_text
from openledger_node.errors import OpenLedgerError
from rollup_bridge.withdrawals.withdrawal import Withdrawal

POLL_S = 0.5
PATIENCE_S = 120.0
L1_GAS_LIMIT = 100_000


async def withdraw(world: World) -> None:
    """Contributor 1's earnings, all the way."""
    role = CONTRIBUTORS[0]
    account = world.address(role)
    rows = world.result.contributors
    amount_wei = next(int(row.earned_wei) for row in rows if row.account == f"0x{account.hex()}")
    contracts = await l1_contracts(world.l2)
    before_wei = await world.l1.read(contracts["OpenToken"], "balanceOf", account)
    mined = await world.send(
        role, MESSAGE_PASSER, "initiateWithdrawal", account, L1_GAS_LIMIT, b"", value_wei=amount_wei
    )
    withdrawal = withdrawal_of(mined.event("MessagePassed"))
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
    bridge = BridgeReader(world.l1, world.l2, contracts)
    async with _patience("an output for the withdrawal"):
        while not await bridge.is_covered(l2_number):
            await asyncio.sleep(POLL_S)
    arguments = await bridge.proof(withdrawal, l2_number)
    await world.send(role, contracts["Portal"], "proveWithdrawalTransaction", *arguments, chain="L1")


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
