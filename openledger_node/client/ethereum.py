"""What a chain says: the handful of `eth_*` reads our services need, as ints, bytes and decoded values."""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.types import Address, Hash32
from openledger_node.client.contract import Contract, Event
from openledger_node.client.errors import RemoteError, RevertedError
from openledger_node.client.rpc import Rpc

Block = int | str
"""A height, or a tag such as "latest" or "finalized"."""

LOG_RANGE = 10_000
"""Blocks per `eth_getLogs` request."""
LIMIT_EXCEEDED = -32005
"""A node's refusal of an answer that would be too long. Source: EIP-1474."""


def hex_bytes(data: bytes) -> str:
    """Bytes as 0x-prefixed hex."""
    return f"0x{data.hex()}"


def from_hex(text: str) -> bytes:
    """Bytes from hex, with or without 0x; raises ValueError."""
    return bytes.fromhex(text.removeprefix("0x"))


def block_parameter(block: Block) -> str:
    """A height as a quantity; a tag as it is."""
    return hex(block) if isinstance(block, int) else block


class Ethereum:
    """Reads of one chain through one RPC."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self._chain_id: int | None = None

    async def chain_id(self) -> int:
        if self._chain_id is None:
            self._chain_id = int(await self.rpc.call("eth_chainId"), 16)
        return self._chain_id

    async def block_number(self) -> int:
        return int(await self.rpc.call("eth_blockNumber"), 16)

    async def block(self, block: Block = "latest") -> Mapping[str, Any]:
        """The block object without transactions; raises `RemoteError` if there is none."""
        found = await self.rpc.call("eth_getBlockByNumber", block_parameter(block), False)
        if found is None:
            raise RemoteError("eth_getBlockByNumber", -32000, f"no block {block}")
        return dict(found)

    async def timestamp_s(self) -> int:
        """The head's time: what contracts compare windows with."""
        return int((await self.block())["timestamp"], 16)

    async def balance_wei(self, address: Address, block: Block = "latest") -> int:
        return int(await self.rpc.call("eth_getBalance", hex_bytes(address), block_parameter(block)), 16)

    async def code(self, address: Address, block: Block = "latest") -> bytes:
        return from_hex(await self.rpc.call("eth_getCode", hex_bytes(address), block_parameter(block)))

    async def nonce(self, address: Address, block: Block = "pending") -> int:
        return int(
            await self.rpc.call("eth_getTransactionCount", hex_bytes(address), block_parameter(block)), 16
        )

    async def receipt(self, transaction_hash: Hash32) -> Mapping[str, Any] | None:
        found = await self.rpc.call("eth_getTransactionReceipt", hex_bytes(transaction_hash))
        return None if found is None else dict(found)

    async def read(
        self,
        contract: Contract,
        method: str,
        *arguments: Any,
        sender: Address | None = None,
        value_wei: int = 0,
        block: Block = "latest",
    ) -> Any:
        """A view call's result. Raises `RevertedError` with the decoded reason."""
        request = call_object(contract.address, contract.calldata(method, *arguments), sender, value_wei)
        try:
            answer = await self.rpc.call("eth_call", request, block_parameter(block))
        except RemoteError as error:
            raise decoded_revert(contract, method, error) from error
        return contract.result(method, from_hex(answer))

    async def events(
        self,
        contract: Contract,
        name: str,
        *indexed: bytes | int | None,
        first_block: int = 0,
        last_block: int | None = None,
    ) -> list[Event]:
        """Events `name` up to `last_block` (default: the head); `indexed` filters by topic, None is any."""
        head = await self.block_number() if last_block is None else last_block
        topics = [hex_bytes(contract.interface.event(name).topic), *map(_topic, indexed)]
        found: list[Event] = []
        for start in range(first_block, head + 1, LOG_RANGE):
            logs = await self._logs(contract.address, topics, start, min(head, start + LOG_RANGE - 1))
            found += decoded_events([contract], logs)
        return found

    async def _logs(
        self, address: Address, topics: list[str | None], first: int, last: int
    ) -> list[Mapping[str, Any]]:
        """Logs of a range, in halves where a node refuses so many at once: whoever fills blocks with events
        only makes them slower to read."""
        query = {
            "address": hex_bytes(address),
            "topics": topics,
            "fromBlock": hex(first),
            "toBlock": hex(last),
        }
        try:
            return list(await self.rpc.call("eth_getLogs", query))
        except RemoteError as error:
            if error.rpc_code != LIMIT_EXCEEDED or first == last:
                raise
        middle = (first + last) // 2
        earlier = await self._logs(address, topics, first, middle)
        return earlier + await self._logs(address, topics, middle + 1, last)


def _topic(value: bytes | int | None) -> str | None:
    if value is None:
        return None
    return hex_bytes(value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0"))


def decoded_events(contracts: Sequence[Contract], logs: Sequence[Mapping[str, Any]]) -> list[Event]:
    """The logs that are events of one of `contracts`, in order."""
    events = [contract.event(log) for log in logs for contract in contracts]
    return [event for event in events if event is not None]


def call_object(
    to: Address | None, data: bytes, sender: Address | None = None, value_wei: int = 0
) -> dict[str, str]:
    """The transaction object of `eth_call` and `eth_estimateGas`."""
    request = {"data": hex_bytes(data)}
    if to is not None:
        request["to"] = hex_bytes(to)
    if sender is not None:
        request["from"] = hex_bytes(sender)
    if value_wei:
        request["value"] = hex(value_wei)
    return request


def decoded_revert(contract: Contract, what: str, error: RemoteError) -> RemoteError | RevertedError:
    """`error` itself, or what the contract meant if it carries revert data."""
    data = error.data.get("data") if isinstance(error.data, Mapping) else error.data
    if isinstance(data, str) and data.startswith("0x"):
        return contract.reverted(what, from_hex(data))
    return contract.reverted(what, b"") if error.rpc_code == 3 else error
