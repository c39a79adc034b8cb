"""What a command of the economy works with: two chains, a gateway, one signer, and how results are shown.

A refusal by a contract becomes one line with its reason and what to do about it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, validators
from eth_abi.exceptions import DecodingError

from genesis.types import Address
from openledger_node.cli.economy.output import show
from openledger_node.cli.economy.remedies import REMEDIES
from openledger_node.cli.economy.signer import signer
from openledger_node.client.bridge import l1_contracts
from openledger_node.client.contract import Contract
from openledger_node.client.economy import EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.rpc import HttpRpc
from openledger_node.client.sender import Mined, Sender
from openledger_node.errors import OpenLedgerError, UserError

Layer = Literal["l1", "l2"]
POLL_S = 0.2
GAS_PERCENT = 200
"""Votes and stake are noted by block time: an estimate may change the note of the last block where the
transaction adds one. What is not used is given back."""


class RefusedError(OpenLedgerError):
    """A contract refused; the line says why and what to do."""

    code = RevertedError.code


@dataclass(frozen=True, slots=True)
class Options:
    """What every command of the economy takes."""

    rpc: str = "http://127.0.0.1:8545"
    """JSON-RPC of an L2 node."""
    l1: str = "http://127.0.0.1:7545"
    """JSON-RPC of an L1 node."""
    gateway: str = "http://127.0.0.1:8000"
    """The gateway that keeps files and sells inference."""
    account: int | None = None
    """Sign as this account of the development mnemonic; on development chains only."""
    keystore: Path | None = None
    """Sign with this keystore file."""
    password_file: Path | None = None
    """File with the keystore's password."""
    timeout: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 60.0
    """Seconds to wait for a transaction, or with `--wait` for anything else."""
    json: bool = False
    """Print one JSON object."""
    field: str | None = None
    """Print only this member of the result, for scripts."""


Flat = Annotated[Options, Parameter(name="*", group="Network and account")]
DEFAULTS = Options()


class Session:
    """One command's connections; opened by `session`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._l2_rpc, self._l1_rpc = HttpRpc(options.rpc), HttpRpc(options.l1)
        self.l2, self.l1 = Ethereum(self._l2_rpc), Ethereum(self._l1_rpc)
        self.reader = EconomyReader(self.l2)
        self.gateway = GatewayClient(options.gateway)
        self._senders: dict[Layer, Sender] = {}

    async def close(self) -> None:
        for client in (self._l2_rpc, self._l1_rpc, self.gateway):
            await client.close()

    def chain(self, layer: Layer) -> Ethereum:
        return self.l2 if layer == "l2" else self.l1

    async def sender(self, layer: Layer = "l2") -> Sender:
        """Who signs on a chain; raises UserError when no account is named."""
        if layer not in self._senders:
            chain, chosen = self.chain(layer), self.options
            account = signer(
                await chain.chain_id(),
                account=chosen.account,
                keystore=chosen.keystore,
                password_file=chosen.password_file,
            )
            self._senders[layer] = Sender(chain, account, gas_percent=GAS_PERCENT)
        return self._senders[layer]

    async def whose(self, account: Address | None) -> Address:
        """`account`, or the signer's own."""
        return account if account is not None else (await self.sender()).address

    async def l1_contract(self, name: str) -> Contract:
        """One of the rollup's L1 contracts by its Solidity name."""
        return (await l1_contracts(self.l2))[name]

    async def read(self, contract: Contract, method: str, *arguments: Any, layer: Layer = "l2") -> Any:
        """A view's answer. Raises RefusedError."""
        with_remedy = refusal(lambda: self.chain(layer).read(contract, method, *arguments))
        return await with_remedy

    async def send(
        self, contract: Contract, method: str, *arguments: Any, value_wei: int = 0, layer: Layer = "l2"
    ) -> Mined:
        """A transaction in a block. Raises RefusedError."""
        sender = await self.sender(layer)
        timeout_s = self.options.timeout
        mined: Mined = await refusal(
            lambda: sender.transact(contract, method, *arguments, value_wei=value_wei, timeout_s=timeout_s)
        )
        return mined

    async def write(
        self, contract: Contract, method: str, *arguments: Any, value_wei: int = 0, layer: Layer = "l2"
    ) -> dict[str, Any]:
        """The same as a result: the transaction, and what the contract's events say."""
        return written(await self.send(contract, method, *arguments, value_wei=value_wei, layer=layer))

    async def send_data(self, to: Address, what: str, data: bytes, *, layer: Layer = "l2") -> Mined:
        """A transaction of bytes that no interface describes. Raises RefusedError."""
        sender = await self.sender(layer)
        mined: Mined = await refusal(lambda: sender.send_data(to, what, data, timeout_s=self.options.timeout))
        return mined

    async def until(self, what: str, holds: Callable[[], Awaitable[bool]]) -> None:
        """Ask until it holds; raises OpenLedgerError after `--timeout` seconds."""
        try:
            async with asyncio.timeout(self.options.timeout):
                while not await holds():
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise OpenLedgerError(
                f"{what} did not come within {self.options.timeout:.0f} s", "try again, or raise --timeout"
            ) from None

    def show(self, result: Mapping[str, Any]) -> None:
        """Print the command's result."""
        show(result, as_json=self.options.json, field=self.options.field)


@asynccontextmanager
async def session(options: Options) -> AsyncIterator[Session]:
    """Connections for one command."""
    opened = Session(options)
    try:
        with _remedies():
            yield opened
    finally:
        await opened.close()


async def write_and_show(options: Options, contract: Contract, method: str, *arguments: Any) -> None:
    """A command that is one transaction, from its connections to its shown result."""
    async with session(options) as opened:
        opened.show(await opened.write(contract, method, *arguments))


def written(mined: Mined) -> dict[str, Any]:
    """A transaction as a result; of two events that use one name the first counts."""
    said: dict[str, Any] = {}
    for event in reversed(mined.events):
        said.update(event.arguments)
    return {
        "transaction": mined.hash,
        "block": mined.block_number,
        "gasUsed": mined.gas_used,
        "feePaid": mined.fee_wei,
        **said,
    }


def read_file(path: Path) -> bytes:
    """A file's bytes; raises UserError with the system's reason."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} ({error.strerror})", "name a file that is there") from None


async def refusal(work: Callable[[], Awaitable[Any]]) -> Any:
    """What `work` answers; a contract's refusal becomes one line with its remedy."""
    with _remedies():
        return await work()


@contextmanager
def _remedies() -> Iterator[None]:
    """A contract's refusal becomes one line with its remedy."""
    try:
        yield
    except RevertedError as error:
        raise RefusedError(str(error), REMEDIES.get(error.name, "see docs/economy.md")) from error
    except DecodingError as error:
        raise RefusedError(
            "no contract of this kind answers there", "check the address and the network"
        ) from error
