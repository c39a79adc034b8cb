"""Whom the demo plays and what it talks to: accounts by role, two chains, one gateway, a list of deeds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from genesis.networks import DEV_SECOND_PROVIDER
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.contract import Contract
from openledger_node.client.economy import EconomyReader
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.rpc import HttpRpc
from openledger_node.client.sender import Mined, Sender
from openledger_node.demo.records import DemoOptions, DemoResult, SentTransaction, StepTime
from workers.artifacts.store import ArtifactStore

OWNER, CUSTOMER, BUILDER = "owner", "customer", "model builder"
DISHONEST = "dishonest provider"
CONTRIBUTORS = tuple(f"contributor {number}" for number in range(1, 6))
ACCOUNT_OF = {
    OWNER: 0,
    **{name: number for number, name in enumerate(CONTRIBUTORS, start=1)},
    BUILDER: 6,
    CUSTOMER: 7,
    DISHONEST: DEV_SECOND_PROVIDER,
}
LABEL_COLUMNS = 44


@dataclass(slots=True)
class World:
    """Everything a step needs. `published` reads artefacts through the gateway, like any outsider."""

    options: DemoOptions
    l2: Ethereum
    l1: Ethereum
    reader: EconomyReader
    gateway: GatewayClient
    published: ArtifactStore
    console: Console
    directory: Path
    result: DemoResult = field(default_factory=DemoResult)
    _senders: dict[tuple[str, str], Sender] = field(default_factory=dict)
    _step: str = ""

    def sender(self, role: str, chain: str = "L2") -> Sender:
        """The role's account on a chain; one per role, so nonces never collide."""
        key = (role, chain)
        if key not in self._senders:
            ethereum = self.l2 if chain == "L2" else self.l1
            self._senders[key] = Sender(ethereum, dev_account(ACCOUNT_OF[role]))
        return self._senders[key]

    def address(self, role: str) -> Address:
        return self.sender(role).address

    async def send(
        self,
        role: str,
        contract: Contract,
        method: str,
        *arguments: Any,
        value_wei: int = 0,
        chain: str = "L2",
    ) -> Mined:
        """Send as `role`, wait, and write it down."""
        sender = self.sender(role, chain)
        mined = await sender.transact(contract, method, *arguments, value_wei=value_wei)
        self.note(chain, role, method, f"0x{mined.hash.hex()}")
        return mined

    def note(self, chain: str, by: str, method: str, transaction_hash: str) -> None:
        """Write down a transaction, also one that somebody else sent."""
        self.result.transactions.append(SentTransaction(self._step, chain, by, method, transaction_hash))

    def say(self, text: str) -> None:
        """One indented line under the running step."""
        self.console.print(f"    {text}", style="dim", highlight=False)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step and time it."""
        self._step = name
        start_s = time.monotonic()
        self.console.print(f"• {name}", highlight=False)
        yield
        seconds = time.monotonic() - start_s
        self.result.steps.append(StepTime(name, round(seconds, 3)))
        self.console.print(f"    {'done':<{LABEL_COLUMNS}} {seconds:6.1f} s", style="green", highlight=False)


def open_world(options: DemoOptions, directory: Path) -> World:
    """Connect to a running node; nothing is asked of it yet."""
    l2 = Ethereum(HttpRpc(options.rpc_url))
    return World(
        options=options,
        l2=l2,
        l1=Ethereum(HttpRpc(options.l1_url)),
        reader=EconomyReader(l2),
        gateway=GatewayClient(options.gateway_url),
        published=ArtifactStore(directory / "published", f"{options.gateway_url.rstrip('/')}/artifacts"),
        console=Console(stderr=options.as_json),
        directory=directory,
        result=DemoResult(seed=options.seed, inferences=options.inferences),
    )


async def close_world(world: World) -> None:
    """Close all connections."""
    for ethereum in (world.l2, world.l1):
        if isinstance(ethereum.rpc, HttpRpc):
            await ethereum.rpc.close()
    await world.gateway.close()


def open_text(wei: int, digits: int = 6) -> str:
    """Wei as OPEN for people."""
    return f"{wei / 10**18:,.{digits}f} OPEN"
