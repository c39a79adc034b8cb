"""The methods of test clients (viem, hardhat, anvil) on a development chain, and its faucet."""

import asyncio

from eth_account import Account

from genesis.types import Address
from openledger_node.evm.records import AccountOverride
from openledger_node.rpc import parse
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.dev import DevControls, Faucet
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import InvalidParamsError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.table import Table, optional, quick, service

TRANSFER_GAS = 21_000


class DevMethods:
    def __init__(self, context: RpcContext, dev: DevControls, fees: FeeMethods) -> None:
        self._context = context
        self._dev = dev
        self._fees = fees
        self._one_grant = asyncio.Lock()

    def table(self) -> Table:
        mine = service(self._dev.mine, optional(parse.number, 1), optional(parse.number))
        increase = service(self._increase_time, parse.number)
        set_balance = service(self._set_balance, parse.address, parse.quantity)
        set_nonce = service(self._set_nonce, parse.address, parse.uint64)
        set_code = service(self._set_code, parse.address, parse.data)
        set_storage = service(self._set_storage, parse.address, parse.storage_key, parse.storage_key)
        table = {
            "evm_mine": service(self._mine_one, optional(lambda value: value)),
            "evm_increaseTime": increase,
            "evm_snapshot": quick(lambda: quantity(self._dev.snapshot())),
            "evm_revert": service(self._dev.revert, parse.number),
            "anvil_mine": mine,
            "anvil_increaseTime": increase,
            "anvil_setBalance": set_balance,
            "anvil_setNonce": set_nonce,
            "anvil_setCode": set_code,
            "anvil_setStorageAt": set_storage,
            "anvil_nodeInfo": quick(self._node_info),
            "anvil_getAutomine": quick(lambda: False),
            "anvil_setIntervalMining": quick(self._set_interval_mining, parse.number),
            "evm_setIntervalMining": quick(self._set_interval_mining, parse.number),
        }
        hardhat = {f"hardhat_{key[6:]}": table[key] for key in table if key.startswith("anvil_set")}
        hardhat["hardhat_mine"] = mine
        faucet = self._dev.faucet
        if faucet is None:
            return table | hardhat
        grants = {"openledger_fundAddress": service(self._fund, parse.address, optional(parse.quantity))}
        return table | hardhat | grants

    # -- blocks and time

    async def _mine_one(self, _timestamp: object) -> str:
        await self._dev.mine(1)
        return "0x0"

    async def _increase_time(self, seconds: int) -> int:
        await self._dev.increase_time(seconds)
        return seconds

    def _set_interval_mining(self, seconds: int) -> None:
        """Zero stops mining on time; anything else resumes it at the chain's own block time."""
        self._dev.set_interval_mining(enabled=seconds > 0)

    # -- outside of blocks

    async def _set_balance(self, address: Address, balance_wei: int) -> None:
        await self._dev.override(address, AccountOverride(balance_wei=balance_wei))

    async def _set_nonce(self, address: Address, nonce: int) -> None:
        await self._dev.override(address, AccountOverride(nonce=nonce))

    async def _set_code(self, address: Address, code: bytes) -> None:
        await self._dev.override(address, AccountOverride(code=code))

    async def _set_storage(self, address: Address, slot: int, value: int) -> bool:
        await self._dev.override(address, AccountOverride(storage_changes={slot: value}))
        return True

    def _node_info(self) -> Json:
        head = self._context.chain.head.header
        return {
            "currentBlockNumber": head.number,
            "currentBlockTimestamp": head.timestamp_s,
            "currentBlockHash": data(head.hash),
            "hardFork": "prague",
            "transactionOrder": "fees",
            "environment": {
                "baseFee": quantity(head.base_fee_wei),
                "chainId": self._context.chain.spec.chain_id,
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
        fields = {
            "type": 2,
            "chainId": self._context.chain.spec.chain_id,
            "nonce": self._context.pool.ask(lambda: self._context.pool.next_nonce(sender)),
            "to": recipient,
            "value": amount_wei,
            "gas": TRANSFER_GAS if not self._has_code(recipient) else 5 * TRANSFER_GAS,
            "maxFeePerGas": 2 * self._fees.next_base_fee_wei() + tip_wei,
            "maxPriorityFeePerGas": tip_wei,
        }
        return UnlockedAccounts([faucet.private_key]).sign_transaction(sender, fields)

    def _has_code(self, address: Address) -> bool:
        return bool(self._context.chain.snapshot().account(address).code)
