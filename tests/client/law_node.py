"""A node small enough for tests: JSON-RPC over the native precompiles, one transaction per block.

The law is the real one (`precompiles`), transactions are really signed and decoded; there is no EVM, no gas
market and no disk. Every block takes one second.
"""

import copy
from typing import Any

import rlp
from eth_account import Account as EthAccount

from genesis.addresses import PRECOMPILES
from genesis.keccak import keccak256
from genesis.networks import L2_BLOCK_GAS_LIMIT
from genesis.policy import DEV_POLICY, Policy
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Hash32
from openledger_node.client.account import dev_account
from openledger_node.client.errors import RemoteError, UnreachableError
from tests.precompiles.world import Call, NativeMachine, Outcome

REVERTED = 3
SERVER_ERROR = -32000
NO_TRANSACTION = "0x" + "00" * 32
RICH_WEI = 10_000 * OPEN_UNIT


class LawNode:
    """Implements `openledger_node.client.rpc.Rpc`.

    `fail_next` makes the next calls of a method fail as if the node were gone; `swallow` accepts
    transactions and never mines them.
    """

    def __init__(self, policy: Policy = DEV_POLICY, accounts: int = 17) -> None:
        self.machine = NativeMachine(policy)
        for index in range(accounts):
            self.machine.fund(dev_account(index).address, RICH_WEI)
        self.nonces: dict[Address, int] = {}
        self._mined: set[str] = set()
        self.receipts: dict[str, dict[str, Any]] = {}
        self.logs: list[dict[str, Any]] = []
        self.fail_next: dict[str, int] = {}
        self.swallow = False
        self.sent: list[str] = []

    def advance(self, seconds: int) -> None:
        """Let time pass in empty blocks."""
        self.machine.moment.block_number += seconds
        self.machine.moment.timestamp_s += seconds

    def act(self, index: int, target: Address, data: bytes, value_wei: int = 0) -> Outcome:
        """A call by a dev account without a transaction; must succeed."""
        outcome = self.machine.call(Call(dev_account(index).address, target, data, value_wei))
        assert outcome.succeeded, outcome.data
        self._log(outcome, NO_TRANSACTION)
        return outcome

    async def call(self, method: str, *parameters: Any) -> Any:
        if self.fail_next.get(method, 0) > 0:
            self.fail_next[method] -= 1
            raise UnreachableError("the node is gone for a moment")
        handler = getattr(self, f"_{method}", None)
        if handler is None:
            raise RemoteError(method, -32601, "method not found")
        return handler(*parameters)

    # --- Methods ------------------------------------------------------------------------------------------

    def _eth_chainId(self) -> str:
        return hex(self.machine.chain_id)

    def _eth_blockNumber(self) -> str:
        return hex(self.machine.moment.block_number)

    def _eth_getBlockByNumber(self, tag: str, _full: bool) -> dict[str, Any]:
        moment = self.machine.moment
        number = int(tag, 16) if tag.startswith("0x") else moment.block_number
        return {
            "number": hex(number),
            "hash": f"0x{keccak256(number.to_bytes(32, 'big')).hex()}",
            "timestamp": hex(moment.timestamp_s - (moment.block_number - number)),
            "baseFeePerGas": hex(10**9),
            "gasLimit": hex(L2_BLOCK_GAS_LIMIT),
        }

    def _eth_getBalance(self, address: str, _tag: str) -> str:
        return hex(self.machine.balance(_address(address)))

    def _eth_getTransactionCount(self, address: str, _tag: str) -> str:
        return hex(self.nonces.get(_address(address), 0))

    def _eth_call(self, request: dict[str, str], _tag: str) -> str:
        outcome = self._dry(request)
        return f"0x{(outcome.data or b'').hex()}"

    def _eth_estimateGas(self, request: dict[str, str]) -> str:
        return hex(21_000 + self._dry(request).gas_used)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        data = bytes.fromhex(raw[2:])
        name = f"0x{keccak256(data).hex()}"
        if name in self._mined:
            raise RemoteError("eth_sendRawTransaction", SERVER_ERROR, "already known")
        fields = rlp.decode(data[1:])
        sender = Address(bytes.fromhex(EthAccount.recover_transaction(data)[2:]))
        nonce, to = int.from_bytes(fields[1], "big"), Address(fields[5])
        if nonce < self.nonces.get(sender, 0):
            raise RemoteError("eth_sendRawTransaction", SERVER_ERROR, "nonce too low")
        self.sent.append(name)
        if not self.swallow:
            self._mine(name, Call(sender, to, fields[7], int.from_bytes(fields[6], "big")))
        return name

    def _eth_getTransactionReceipt(self, name: str) -> dict[str, Any] | None:
        return self.receipts.get(name)

    def _eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return [
            log
            for log in self.logs
            if log["address"] == query["address"]
            and first <= int(log["blockNumber"], 16) <= last
            and all(
                topic is None or (place < len(log["topics"]) and log["topics"][place] == topic)
                for place, topic in enumerate(query["topics"])
            )
        ]

    # --- Execution ----------------------------------------------------------------------------------------

    def _dry(self, request: dict[str, str]) -> Outcome:
        """A call whose effects are forgotten; raises RemoteError when it reverts."""
        machine = copy.deepcopy(self.machine)
        sender = _address(request.get("from", "0x" + "00" * 20))
        value_wei = int(request.get("value", "0x0"), 16)
        data = bytes.fromhex(request["data"][2:])
        if _address(request["to"]) not in PRECOMPILES:
            return Outcome(True, b"")
        outcome = machine.call(Call(sender, _address(request["to"]), data, value_wei))
        if not outcome.succeeded:
            raise RemoteError("eth_call", REVERTED, "execution reverted", f"0x{(outcome.data or b'').hex()}")
        return outcome

    def _mine(self, name: str, call: Call) -> None:
        self.advance(1)
        block = hex(self.machine.moment.block_number)
        if call.target in PRECOMPILES:
            outcome = self.machine.call(call)
        else:
            self.machine.fund(call.sender, -call.value_wei)
            self.machine.fund(call.target, call.value_wei)
            outcome = Outcome(True, b"")
        self.nonces[call.sender] = self.nonces.get(call.sender, 0) + 1
        logs = self._log(outcome, name)
        self._mined.add(name)
        self.receipts[name] = {
            "blockNumber": block,
            "status": hex(outcome.succeeded),
            "gasUsed": hex(21_000 + outcome.gas_used),
            "effectiveGasPrice": hex(10**9),
            "logs": logs,
        }

    def _log(self, outcome: Outcome, name: str) -> list[dict[str, Any]]:
        """Keep what a transaction emitted."""
        block = hex(self.machine.moment.block_number)
        logs = [
            {
                "address": f"0x{address.hex()}",
                "topics": [f"0x{topic.hex()}" for topic in topics],
                "data": f"0x{data.hex()}",
                "blockNumber": block,
                "logIndex": hex(place),
                "transactionHash": name,
            }
            for place, (address, topics, data) in enumerate(outcome.logs)
        ]
        self.logs += logs
        return logs


def _address(text: str) -> Address:
    return Address(bytes.fromhex(text[2:]))


def hash_of(name: str) -> Hash32:
    """A transaction's hash from its name."""
    return Hash32(bytes.fromhex(name[2:]))
