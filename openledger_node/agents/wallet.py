"""How an agent acts on chain: its key asks its wallet, and the wallet's contract decides.

Covered: each action simulated before it is sent, sent once, written down with its reason before and after; a
dry run that ends at the simulation; the kill switch, which is the key's being named in the wallet.
Not covered: limits. They are `AgentAccount`'s, on chain, and hold against this code too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genesis.types import Address
from openledger_node.agents.audit import AuditTrail
from openledger_node.client.contract import Contract
from openledger_node.client.errors import NotIncludedError, RemoteError, RevertedError
from openledger_node.client.ethereum import hex_bytes
from openledger_node.client.predeploys import agent_account
from openledger_node.client.sender import Sender
from openledger_node.errors import OpenLedgerError


class RefusedActionError(OpenLedgerError):
    """The wallet or the target would not have it."""

    code = "OL-1325"


@dataclass(frozen=True, slots=True)
class Action:
    """A call through the wallet. `reason` is why the agent wants it, in its own words."""

    tool: str
    target: Address
    value_wei: int
    data: bytes
    reason: str

    def to_json(self) -> Mapping[str, Any]:
        return {
            "tool": self.tool,
            "target": hex_bytes(self.target),
            "value_wei": str(self.value_wei),
            "data": hex_bytes(self.data),
            "reason": self.reason,
        }


class Wallet:
    """One agent's `AgentAccount`, used by its key."""

    def __init__(self, account: Address, sender: Sender, audit: AuditTrail, *, is_dry_run: bool) -> None:
        self.address = account
        self._contract: Contract = agent_account(account)
        self._sender = sender
        self._audit = audit
        self._is_dry_run = is_dry_run

    async def is_stopped(self) -> bool:
        """True once the owner has named another key, or none."""
        key = await self._sender.ethereum.read(self._contract, "key")
        return bool(key != self._sender.address)

    async def act(self, action: Action) -> str:
        """Do it, or say what it would have done; raises RefusedActionError."""
        self._audit.add("intended", action.to_json())
        arguments = (action.target, action.value_wei, action.data)
        try:
            await self._sender.ethereum.read(
                self._contract, "execute", *arguments, sender=self._sender.address
            )
            if self._is_dry_run:
                self._audit.add("simulated", {"tool": action.tool})
                return "dry run: it would have worked, nothing was sent"
            mined = await self._sender.transact(self._contract, "execute", *arguments)
        except (RevertedError, RemoteError, NotIncludedError) as error:
            self._audit.add("refused", {"tool": action.tool, "error": str(error)})
            raise RefusedActionError(f"{action.tool} was refused: {error}") from error
        name = hex_bytes(mined.hash)
        self._audit.add("done", {"tool": action.tool, "transaction": name, "block": mined.block_number})
        return f"done in transaction {name}"
