"""JSON-RPC over contracts in an EVM: as much of a node as an agent and its owner ask of one."""

from collections.abc import Callable
from typing import Any

import rlp
from eth_account import Account as EthAccount

from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.client.errors import RemoteError
from tests.contracts.machine import Machine, Outcome
from tests.contracts.twins import machine_with_twins

REVERTED = 3
CHAIN_ID = 31337


class EvmNode:
    """Implements `openledger_node.client.rpc.Rpc`; every transaction is a block."""

    def __init__(self) -> None:
        self.machine: Machine = machine_with_twins()
        self.receipts: dict[str, dict[str, Any]] = {}
        self.on_transaction: Callable[[], object] = lambda: None
        """Called when one arrives, before it is mined."""

    def fund(self, account: Address, wei: int) -> None:
        self.machine.state.set_balance(account, wei)

    async def call(self, method: str, *parameters: Any) -> Any:
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise RemoteError(method, -32601, "method not found")
        return handler(*parameters)

    def _eth_chainId(self) -> str:
        return hex(CHAIN_ID)

    def _eth_blockNumber(self) -> str:
        return hex(self.machine.block_number)

    def _eth_getBlockByNumber(self, _tag: str, _full: bool) -> dict[str, Any]:
        return {"timestamp": hex(self.machine.now_s), "baseFeePerGas": hex(10**9)}

    def _eth_getCode(self, address: str, _tag: str) -> str:
        return f"0x{self.machine.state.get_code(_address(address)).hex()}"

    def _eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return [
            log
            for receipt in self.receipts.values()
            for log in receipt["logs"]
            if log["address"] == query["address"]
            and first <= int(log["blockNumber"], 16) <= last
            and all(
                wanted is None or log["topics"][place : place + 1] == [wanted]
                for place, wanted in enumerate(query["topics"])
            )
        ]

    def _eth_getTransactionCount(self, address: str, _tag: str) -> str:
        return hex(self.machine.state.get_nonce(_address(address)))

    def _eth_getBalance(self, address: str, _tag: str) -> str:
        return hex(self.machine.balance(_address(address)))

    def _eth_call(self, request: dict[str, str], _tag: str) -> str:
        return f"0x{self._dry(request).output.hex()}"

    def _eth_estimateGas(self, request: dict[str, str]) -> str:
        return hex(2 * self._dry(request).gas_used + 60_000)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        self.on_transaction()
        data = bytes.fromhex(raw[2:])
        fields = rlp.decode(data[1:])
        sender = Address(bytes.fromhex(EthAccount.recover_transaction(data)[2:]))
        value, gas = int.from_bytes(fields[6], "big"), int.from_bytes(fields[4], "big")
        outcome = self.machine.transact(sender, Address(fields[5]), fields[7], value, gas=gas)
        self.machine.advance(1)
        name = f"0x{keccak256(data).hex()}"
        block = hex(self.machine.block_number)
        self.receipts[name] = {
            "blockNumber": block,
            "status": hex(outcome.ok),
            "gasUsed": hex(outcome.gas_used),
            "effectiveGasPrice": hex(10**9),
            "logs": [
                {
                    "address": f"0x{log.address.hex()}",
                    "topics": [f"0x{topic.hex()}" for topic in log.topics],
                    "data": f"0x{log.data.hex()}",
                    "blockNumber": block,
                    "logIndex": hex(place),
                    "transactionHash": name,
                }
                for place, log in enumerate(outcome.logs)
            ],
        }
        return name

    def _eth_getTransactionReceipt(self, name: str) -> dict[str, Any] | None:
        return self.receipts.get(name)

    def _dry(self, request: dict[str, str]) -> Outcome:
        sender = _address(request.get("from", "0x" + "00" * 20))
        value = int(request.get("value", "0x0"), 16)
        data = bytes.fromhex(request.get("data", request.get("input", "0x"))[2:])
        with self.machine.rolled_back():
            outcome = self.machine.transact(sender, _address(request["to"]), data, value)
        if not outcome.ok:
            raise RemoteError("eth_call", REVERTED, "execution reverted", f"0x{outcome.output.hex()}")
        return outcome


def _address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))
