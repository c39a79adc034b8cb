"""What the node signs for its unlocked development accounts."""

import asyncio
from typing import Any

from genesis.types import Address
from openledger_node.rpc import encode, parse
from openledger_node.rpc.call_methods import CallMethods
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.requests import CallObject, Tag, call_object
from openledger_node.rpc.table import Table, quick, service


class SigningMethods:
    def __init__(self, context: RpcContext, calls: CallMethods, fees: FeeMethods) -> None:
        self._context = context
        self._calls = calls
        self._fees = fees
        self._one_at_a_time = asyncio.Lock()

    def table(self) -> Table:
        accounts = self._context.accounts
        if not accounts.addresses():
            return {}
        return {
            "eth_sendTransaction": service(self._send, call_object),
            "eth_signTransaction": service(self._sign, call_object),
            "eth_sign": quick(self._sign_message, parse.address, parse.data),
            "personal_sign": quick(
                lambda message, address: self._sign_message(address, message), parse.data, parse.address
            ),
            "eth_signTypedData_v4": quick(
                lambda address, typed: data(accounts.sign_typed_data(address, typed)),
                parse.address,
                parse.json_object,
            ),
        }

    async def _send(self, call: CallObject) -> str:
        async with self._one_at_a_time:
            return data(await self._context.pool.submit(await self._signed(call)))

    async def _sign(self, call: CallObject) -> Json:
        raw = await self._signed(call)
        transaction = self._context.chain.engine.decode_transaction(raw)
        return {"raw": data(raw), "tx": encode.pending_transaction(transaction)}

    def _sign_message(self, address: Address, message: bytes) -> str:
        return data(self._context.accounts.sign_message(address, message))

    async def _signed(self, call: CallObject) -> bytes:
        sender = call.sender
        if sender is None:
            raise InvalidParamsError("from: missing")
        if sender not in self._context.accounts.addresses():
            raise ServerError("unknown account")
        nonce = self._context.pool.next_nonce(sender) if call.nonce is None else call.nonce
        fields = await asyncio.to_thread(self._filled, call, nonce)
        return self._context.accounts.sign_transaction(sender, fields)

    def _filled(self, call: CallObject, nonce: int) -> dict[str, Any]:
        """The transaction with everything the client left to the node."""
        fields: dict[str, Any] = {
            "chainId": self._context.chain.spec.chain_id,
            "nonce": nonce,
            "value": call.value_wei,
            "data": call.data,
            "gas": self._gas(call),
        }
        if call.to is not None:
            fields["to"] = call.to
        if call.access_list is not None:
            fields["accessList"] = encode.access_list(call.access_list)
        return fields | self._prices(call)

    def _gas(self, call: CallObject) -> int:
        if call.gas is not None:
            return call.gas
        return int(self._calls.estimate(call, Tag.LATEST, None, None), 16)

    def _prices(self, call: CallObject) -> dict[str, Any]:
        if call.gas_price_wei is not None:
            return {"gasPrice": call.gas_price_wei}
        tip_wei = call.max_priority_fee_wei
        if tip_wei is None:
            tip_wei = self._fees.tip_wei()
            if call.max_fee_wei is not None:
                tip_wei = min(tip_wei, call.max_fee_wei)
        cap_wei = call.max_fee_wei
        if cap_wei is None:
            cap_wei = 2 * self._fees.next_base_fee_wei() + tip_wei
        return {"type": 2, "maxFeePerGas": cap_wei, "maxPriorityFeePerGas": tip_wei}
