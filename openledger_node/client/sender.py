"""How a transaction gets into a block: nonce, gas, fees, signature, receipt, decoded reason on failure.

Covered: one key used by one process, many tasks at once; resending while a receipt is missing; a nonce that
somebody else took. Not covered: replacing a stuck transaction by a dearer one (`rollup_bridge/txmgr`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.abi import Interface
from openledger_node.client.account import Account, TransactionFields
from openledger_node.client.contract import Contract, Event
from openledger_node.client.errors import NotIncludedError, RemoteError
from openledger_node.client.ethereum import (
    Ethereum,
    call_object,
    decoded_events,
    decoded_revert,
    hex_bytes,
)
from openledger_node.clock import Clock, SystemClock

PRIORITY_FEE_WEI = 10**8
GAS_MARGIN_PERCENT = 115
POLL_S = 0.2
RESEND_S = 5.0
NONCE_ATTEMPTS = 4
NONCE_TOO_LOW = "nonce too low"
NONCE_COMPLAINTS = (NONCE_TOO_LOW, "replacement transaction underpriced", "already imported")
KNOWN_COMPLAINTS = ("already known", "already imported", "nonce too low")

NO_INTERFACE = Interface({}, {}, {})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block that succeeded, with the events its contract (and others named) emitted."""

    hash: Hash32
    block_number: int
    gas_used: int
    fee_wei: int
    events: tuple[Event, ...]

    def event(self, name: str) -> Event:
        """The only event `name`; raises LookupError when there is none."""
        for event in self.events:
            if event.name == name:
                return event
        raise LookupError(f"transaction 0x{self.hash.hex()} emitted no {name}")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way into a transaction; `what` names it in errors."""

    contract: Contract
    what: str
    data: bytes
    value_wei: int


class Sender:
    """Sends for one account on one chain. `gas_percent` of an estimate is what a transaction may use."""

    def __init__(
        self,
        ethereum: Ethereum,
        account: Account,
        clock: Clock | None = None,
        also_decode: Sequence[Contract] = (),
        gas_percent: int = GAS_MARGIN_PERCENT,
    ) -> None:
        self.ethereum = ethereum
        self.account = account
        self._clock = clock or SystemClock()
        self._also_decode = tuple(also_decode)
        self._gas_percent = gas_percent
        self._lock = asyncio.Lock()
        self._next_nonce = 0

    @property
    def address(self) -> Address:
        return self.account.address

    async def transact(
        self,
        contract: Contract,
        method: str,
        *arguments: Any,
        value_wei: int = 0,
        timeout_s: float = 60.0,
        gas: int | None = None,
    ) -> Mined:
        """Send `method` and wait until it is in a block.

        Raises `RevertedError` when it would or did revert, `NotIncludedError` after `timeout_s`. `gas` skips
        the estimate.
        """
        outgoing = Outgoing(contract, method, contract.calldata(method, *arguments), value_wei)
        return await self._deliver(outgoing, timeout_s, gas)

    async def estimate(self, contract: Contract, method: str, *arguments: Any) -> int:
        """Gas that is enough for `method` now. Raises `RevertedError` when it would revert."""
        return await self._estimate(Outgoing(contract, method, contract.calldata(method, *arguments), 0))

    async def transact_in_order(
        self,
        contract: Contract,
        method: str,
        calls: Sequence[tuple[Sequence[Any], int]],
        timeout_s: float = 60.0,
    ) -> tuple[Mined, ...]:
        """Send calls of `method`, each with its gas, one after the other, and wait until all are in blocks.

        Raises as `transact` does, for the first that reverts.
        """
        sent = []
        for arguments, gas in calls:
            outgoing = Outgoing(contract, method, contract.calldata(method, *arguments), 0)
            sent.append((outgoing, await self._sign_and_send(outgoing, gas)))
        return tuple([await self._mined(outgoing, raw, timeout_s) for outgoing, raw in sent])

    async def transfer(self, to: Address, value_wei: int, timeout_s: float = 60.0) -> Mined:
        """Send native tokens."""
        outgoing = Outgoing(Contract(to, NO_INTERFACE), "transfer", b"", value_wei)
        return await self._deliver(outgoing, timeout_s, None)

    async def send_data(self, to: Address, what: str, data: bytes, timeout_s: float = 60.0) -> Mined:
        """Send bytes that no interface describes; `what` names them in errors. Raises as `transact` does."""
        return await self._deliver(Outgoing(Contract(to, NO_INTERFACE), what, data, 0), timeout_s, None)

    async def _deliver(self, outgoing: Outgoing, timeout_s: float, gas: int | None) -> Mined:
        gas = gas if gas is not None else await self._estimate(outgoing)
        return await self._mined(outgoing, await self._sign_and_send(outgoing, gas), timeout_s)

    async def _mined(self, outgoing: Outgoing, raw: bytes, timeout_s: float) -> Mined:
        receipt = await self._receipt(outgoing, raw, timeout_s)
        block_number = int(receipt["blockNumber"], 16)
        if int(receipt["status"], 16) == 0:
            raise await self._reason(outgoing, block_number)
        gas_used = int(receipt["gasUsed"], 16)
        return Mined(
            hash=keccak256(raw),
            block_number=block_number,
            gas_used=gas_used,
            fee_wei=gas_used * int(receipt["effectiveGasPrice"], 16) + int(receipt.get("l1Fee") or "0x0", 16),
            events=tuple(decoded_events([outgoing.contract, *self._also_decode], receipt["logs"])),
        )

    async def _estimate(self, outgoing: Outgoing) -> int:
        request = _call(outgoing, self.address)
        try:
            estimate = int(await self.ethereum.rpc.call("eth_estimateGas", request), 16)
        except RemoteError as error:
            raise decoded_revert(outgoing.contract, outgoing.what, error) from error
        return estimate * self._gas_percent // 100

    async def _sign_and_send(self, outgoing: Outgoing, gas: int) -> bytes:
        base_fee_wei = int((await self.ethereum.block())["baseFeePerGas"], 16)
        chain_id = await self.ethereum.chain_id()
        async with self._lock:
            for _ in range(NONCE_ATTEMPTS):
                nonce = max(self._next_nonce, await self.ethereum.nonce(self.address))
                raw = self.account.sign_transaction(
                    TransactionFields(
                        chain_id=chain_id,
                        nonce=nonce,
                        to=outgoing.contract.address,
                        value_wei=outgoing.value_wei,
                        data=outgoing.data,
                        gas=gas,
                        max_fee_wei=2 * base_fee_wei + PRIORITY_FEE_WEI,
                        max_priority_fee_wei=PRIORITY_FEE_WEI,
                    )
                )
                if await self._accepted(outgoing, raw, nonce):
                    return raw
        raise NotIncludedError(f"no usable nonce for {outgoing.what} after {NONCE_ATTEMPTS} attempts")

    async def _accepted(self, outgoing: Outgoing, raw: bytes, nonce: int) -> bool:
        """Hand `raw` to the node; False when its nonce is taken and another must be tried."""
        try:
            await self.ethereum.rpc.call("eth_sendRawTransaction", hex_bytes(raw))
        except RemoteError as error:
            if not any(text in error.message for text in NONCE_COMPLAINTS):
                raise decoded_revert(outgoing.contract, outgoing.what, error) from error
            self._next_nonce = 0 if NONCE_TOO_LOW in error.message else nonce + 1
            return False
        self._next_nonce = nonce + 1
        return True

    async def _receipt(self, outgoing: Outgoing, raw: bytes, timeout_s: float) -> Mapping[str, Any]:
        transaction_hash = keccak256(raw)
        start_s = resent_s = self._clock.now_s()
        while (receipt := await self.ethereum.receipt(transaction_hash)) is None:
            now_s = self._clock.now_s()
            if now_s - start_s > timeout_s:
                self._next_nonce = 0
                raise NotIncludedError(
                    f"{outgoing.what} (0x{transaction_hash.hex()}) is in no block after {timeout_s:.0f} s"
                )
            if now_s - resent_s > RESEND_S:
                resent_s = now_s
                await self._resend(raw)
            await self._clock.sleep(POLL_S)
        return receipt

    async def _resend(self, raw: bytes) -> None:
        try:
            await self.ethereum.rpc.call("eth_sendRawTransaction", hex_bytes(raw))
        except RemoteError as error:
            if not any(text in error.message for text in KNOWN_COMPLAINTS):
                log.warning("resend refused", reason=error.message)

    async def _reason(self, outgoing: Outgoing, block_number: int) -> Exception:
        """Why a mined transaction failed: the same call on the state before its block."""
        try:
            await self.ethereum.rpc.call("eth_call", _call(outgoing, self.address), hex(block_number - 1))
        except RemoteError as error:
            return decoded_revert(outgoing.contract, outgoing.what, error)
        return outgoing.contract.reverted(f"{outgoing.what} (in block {block_number})", b"")


def _call(outgoing: Outgoing, sender: Address) -> dict[str, str]:
    return call_object(outgoing.contract.address, outgoing.data, sender, outgoing.value_wei)
