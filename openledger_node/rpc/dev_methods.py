"""The methods of test clients (viem, hardhat, anvil) on a development chain, and its faucet.

What such a chain cannot do is refused by name and with the reason (`dev_refusals.py`).
"""

import asyncio

from eth_account import Account

from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.evm.records import AccountOverride, Transaction
from openledger_node.evm.signing import signed
from openledger_node.evm.transactions import DYNAMIC_FEE
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.dev import DevControls, Faucet
from openledger_node.rpc.dev_refusals import refusals
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.feeds import Cancel
from openledger_node.rpc.table import Method, Table, optional, quick, service

TRANSFER_GAS = 21_000


class DevMethods:
    def __init__(self, context: RpcContext, dev: DevControls, fees: FeeMethods) -> None:
        self._context = context
        self._dev = dev
        self._fees = fees
        self._one_grant = asyncio.Lock()
        self._stop_automining: Cancel | None = None
        self._mining: set[asyncio.Task[None]] = set()

    def table(self) -> Table:
        own = self._both_modes() | self._blocks() | self._ganache() | refusals()
        if self._dev.faucet is None:
            return own
        return own | {"openledger_fundAddress": service(self._fund, parse.address, optional(parse.quantity))}

    def _both_modes(self) -> dict[str, Method]:
        """Methods that exist as `anvil_` and as `hardhat_`."""
        methods = {
            "mine": service(self._mine, optional(parse.number, 1), optional(parse.number)),
            "setBalance": service(self._set_balance, parse.address, parse.quantity),
            "setNonce": service(self._set_nonce, parse.address, parse.uint64),
            "setCode": service(self._set_code, parse.address, parse.data),
            "setStorageAt": service(self._set_storage, parse.address, parse.storage_key, parse.storage_key),
            "impersonateAccount": service(self._impersonate, parse.address),
            "stopImpersonatingAccount": quick(self._dev.stop_impersonating, parse.address),
            "dropTransaction": quick(self._drop, parse.hash32),
            "getAutomine": quick(lambda: self._stop_automining is not None),
            "setLoggingEnabled": quick(lambda _enabled: None, parse.boolean),
            "dumpState": quick(lambda: data(self._dev.dump())),
            "loadState": service(self._dev.load, parse.data),
            "setBlockTimestampInterval": quick(self._dev.check_interval, parse.number),
            "removeBlockTimestampInterval": quick(lambda: True),
            "metadata": quick(self._metadata),
            "setNextBlockBaseFeePerGas": service(self._set_base_fee, parse.uint64),
            "setCoinbase": service(self._set_coinbase, parse.address),
            "setPrevRandao": service(self._set_prev_randao, parse.hash32),
            "setBlockGasLimit": service(self._set_gas_limit, parse.uint64),
            "reset": service(self._reset, optional(parse.json_object)),
        }
        return {f"{mode}_{name}": method for mode in ("anvil", "hardhat") for name, method in methods.items()}

    def _blocks(self) -> dict[str, Method]:
        increase = service(self._increase_time, parse.number)
        interval = service(self._set_interval_mining, parse.number)
        next_time = service(self._set_next_timestamp, parse.number)
        return {
            "evm_mine": service(self._mine_one, optional(_mine_options)),
            "evm_increaseTime": increase,
            "evm_setNextBlockTimestamp": next_time,
            "evm_snapshot": quick(lambda: quantity(self._dev.snapshot())),
            "evm_revert": service(self._dev.revert, parse.number),
            "evm_setBlockGasLimit": service(self._set_gas_limit, parse.uint64),
            "evm_setAutomine": quick(self._set_automine, parse.boolean),
            "evm_setIntervalMining": interval,
            "anvil_increaseTime": increase,
            "anvil_setNextBlockTimestamp": next_time,
            "anvil_setAutomine": quick(self._set_automine, parse.boolean),
            "anvil_setIntervalMining": interval,
            "anvil_nodeInfo": quick(self._node_info),
            "anvil_autoImpersonateAccount": service(self._impersonate_all, parse.boolean),
            "anvil_dropAllTransactions": quick(self._drop_all),
            "anvil_removePoolTransactions": quick(self._drop_of, parse.address),
            "anvil_addBalance": service(self._add_balance, parse.address, parse.quantity),
        }

    def _ganache(self) -> dict[str, Method]:
        """The same changes of accounts under the names ganache gave them."""
        return {
            "evm_setAccountBalance": service(self._set_balance, parse.address, parse.quantity),
            "evm_setAccountNonce": service(self._set_nonce, parse.address, parse.uint64),
            "evm_setAccountCode": service(self._set_code, parse.address, parse.data),
            "evm_setAccountStorageAt": service(
                self._set_storage, parse.address, parse.storage_key, parse.storage_key
            ),
        }

    # -- blocks and time

    async def _mine(self, blocks: int, interval_s: int | None) -> None:
        """An interval of zero is the chain's own."""
        await self._dev.mine(blocks, interval_s or None)

    async def _mine_one(self, timestamp_s: int | None) -> str:
        if timestamp_s is not None:
            await self._dev.set_next_timestamp(timestamp_s)
        await self._dev.mine(1)
        return "0x0"

    async def _increase_time(self, seconds: int) -> int:
        await self._dev.increase_time(seconds)
        return seconds

    async def _set_next_timestamp(self, timestamp_s: int) -> None:
        await self._dev.set_next_timestamp(timestamp_s)

    async def _set_interval_mining(self, interval: int) -> None:
        """Zero stops mining on time; anything else resumes it at the chain's own block time."""
        await self._dev.set_interval_mining(enabled=interval > 0)

    def _set_automine(self, enabled: bool) -> None:
        """Mine a block for every transaction that comes into the pool."""
        if self._stop_automining is not None:
            self._stop_automining()
        self._stop_automining = self._context.feeds.on_pending(self._mine_soon) if enabled else None

    def _mine_soon(self, _transaction: Transaction) -> None:
        task = asyncio.create_task(self._dev.mine(1))
        self._mining.add(task)
        task.add_done_callback(self._mining.discard)

    async def _set_base_fee(self, base_fee_wei: int) -> bool:
        await self._dev.set_next_base_fee(base_fee_wei)
        return True

    async def _set_coinbase(self, recipient: Address) -> bool:
        await self._dev.set_fee_recipient(recipient)
        return True

    async def _set_prev_randao(self, prev_randao: Hash32) -> bool:
        await self._dev.set_next_prev_randao(prev_randao)
        return True

    async def _set_gas_limit(self, gas_limit: int) -> bool:
        await self._dev.set_gas_limit(gas_limit)
        return True

    async def _reset(self, options: dict[str, object] | None) -> bool:
        """Back to genesis, with an empty pool. This chain is no fork, and does not become one; viem sends an
        empty `forking` when it wants none."""
        forking = (options or {}).get("forking")
        if isinstance(forking, dict) and forking.get("jsonRpcUrl") is not None:
            raise ServerError("not supported: this chain is not a fork of another")
        await self._dev.reset()
        self._drop_all()
        return True

    # -- accounts

    async def _set_balance(self, address: Address, balance_wei: int) -> None:
        await self._dev.override(address, AccountOverride(balance_wei=balance_wei))

    async def _add_balance(self, address: Address, amount_wei: int) -> None:
        balance_wei = self._context.chain.snapshot().account(address).balance_wei + amount_wei
        await self._set_balance(address, min(balance_wei, parse.MAXIMUM_QUANTITY))

    async def _set_nonce(self, address: Address, nonce: int) -> None:
        await self._dev.override(address, AccountOverride(nonce=nonce))

    async def _set_code(self, address: Address, code: bytes) -> None:
        await self._dev.override(address, AccountOverride(code=code))

    async def _set_storage(self, address: Address, slot: int, value: int) -> bool:
        await self._dev.override(address, AccountOverride(storage_changes={slot: value}))
        return True

    async def _impersonate(self, address: Address) -> None:
        await self._dev.impersonate(address)

    async def _impersonate_all(self, enabled: bool) -> None:
        await self._dev.impersonate_all(enabled=enabled)

    # -- pool

    def _drop(self, transaction_hash: Hash32) -> bool:
        return self._context.pool.drop(transaction_hash)

    def _drop_all(self) -> None:
        for item in self._context.pool.pool.transactions():
            self._context.pool.drop(item.hash)

    def _drop_of(self, sender: Address) -> None:
        for item in self._context.pool.pool.transactions():
            if item.sender == sender:
                self._context.pool.drop(item.hash)

    # -- the node

    def _metadata(self) -> Json:
        chain = self._context.chain
        return {
            "clientVersion": self._context.client_version,
            "chainId": chain.spec.chain_id,
            "instanceId": data(chain.genesis.header.hash),
            "latestBlockNumber": chain.heads.unsafe.number,
            "latestBlockHash": data(chain.heads.unsafe.hash),
            "forkedNetwork": None,
        }

    def _node_info(self) -> Json:
        chain = self._context.chain
        head = chain.head.header
        return {
            "currentBlockNumber": head.number,
            "currentBlockTimestamp": head.timestamp_s,
            "currentBlockHash": data(head.hash),
            "hardFork": chain.engine.fork_at(head).name.lower(),
            "transactionOrder": "fees",
            "environment": {
                "baseFee": quantity(head.base_fee_wei),
                "chainId": chain.spec.chain_id,
                "gasLimit": quantity(head.gas_limit),
                "gasPrice": quantity(self._fees.next_base_fee_wei() + self._fees.tip_wei()),
            },
            "forkConfig": {"forkUrl": None, "forkBlockNumber": None, "forkRetryBackoff": None},
        }

    # -- faucet

    async def _fund(self, recipient: Address, amount_wei: int | None) -> str:
        """Send OPEN from the faucet's account; returns the transaction's hash."""
        faucet = self._dev.faucet
        if faucet is None:
            raise InvalidParamsError("this chain has no faucet")
        wanted_wei = faucet.default_wei if amount_wei is None else amount_wei
        if wanted_wei > faucet.maximum_wei:
            raise InvalidParamsError(f"at most {faucet.maximum_wei} wei at once")
        async with self._one_grant:
            raw = await asyncio.to_thread(self._grant, faucet, recipient, wanted_wei)
            return data(await self._context.pool.submit(raw))

    def _grant(self, faucet: Faucet, recipient: Address, amount_wei: int) -> bytes:
        sender = Address(bytes.fromhex(Account.from_key(faucet.private_key).address[2:]))
        tip_wei = self._fees.tip_wei()
        transaction = Transaction(
            type=DYNAMIC_FEE,
            hash=ZERO_HASH,
            raw=b"",
            sender=sender,
            to=recipient,
            nonce=self._context.pool.ask(lambda: self._context.pool.next_nonce(sender)),
            gas=TRANSFER_GAS if not self._has_code(recipient) else 5 * TRANSFER_GAS,
            value_wei=amount_wei,
            data=b"",
            chain_id=self._context.chain.spec.chain_id,
            max_fee_wei=2 * self._fees.next_base_fee_wei() + tip_wei,
            max_priority_fee_wei=tip_wei,
            v=0,
            r=0,
            s=0,
        )
        return signed(transaction, faucet.private_key).raw

    def _has_code(self, address: Address) -> bool:
        return bool(self._context.chain.snapshot().account(address).code)


def _mine_options(value: object) -> int | None:
    """A timestamp, or ganache's object with one (its `blocks` are mined one by one by those who use it)."""
    if isinstance(value, dict):
        return parse.field(value, "timestamp", parse.number)
    return parse.number(value)
