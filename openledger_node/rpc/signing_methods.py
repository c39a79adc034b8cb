"""What the node signs for its unlocked development accounts, and what it fills in for others to sign."""

import asyncio

from genesis.types import ZERO_ADDRESS, Address
from openledger_node.evm.records import Transaction
from openledger_node.evm.unsigned import impersonated, with_encoding
from openledger_node.rpc import encode, parse
from openledger_node.rpc.call_methods import CallMethods
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.filling import Filler
from openledger_node.rpc.requests import CallObject, call_object
from openledger_node.rpc.table import Table, executor, quick, service
from openledger_node.rpc.typed_data import typed_data


class SigningMethods:
    def __init__(self, context: RpcContext, calls: CallMethods, fees: FeeMethods) -> None:
        self._context = context
        self._filler = Filler(context, calls, fees)
        self._one_at_a_time = asyncio.Lock()

    def table(self) -> Table:
        accounts = self._context.accounts
        fill = {"eth_fillTransaction": service(self._fill, call_object)}
        if self._context.dev is not None:
            fill["eth_sendUnsignedTransaction"] = service(self._send_unsigned, call_object)
        if not accounts.addresses():
            return fill
        sign_typed = executor(
            lambda address, typed: data(accounts.sign_typed_data(address, typed)),
            parse.address,
            typed_data,
        )
        return fill | {
            "eth_sendTransaction": service(self._send, call_object),
            "eth_signTransaction": service(self._sign, call_object),
            "eth_sign": quick(self._sign_message, parse.address, parse.data),
            "personal_sign": quick(
                lambda message, address: self._sign_message(address, message), parse.data, parse.address
            ),
            "eth_signTypedData": sign_typed,
            "eth_signTypedData_v4": sign_typed,
        }

    async def _send(self, call: CallObject) -> str:
        async with self._one_at_a_time:
            return data(await self._context.pool.submit(await self._signed(call)))

    async def _sign(self, call: CallObject) -> Json:
        raw = await self._signed(call)
        return _shown(self._context.chain.engine.decode_transaction(raw))

    def _sign_message(self, address: Address, message: bytes) -> str:
        return data(self._context.accounts.sign_message(address, message))

    async def _signed(self, call: CallObject) -> bytes:
        sender = call.sender
        if sender is None:
            raise InvalidParamsError("from: missing")
        dev = self._context.dev
        if dev is not None and dev.acts_as(sender):
            return impersonated(await self._filled(call)).raw
        if sender not in self._context.accounts.addresses():
            raise ServerError("unknown account")
        return self._context.accounts.sign_transaction(await self._filled(call))

    async def _send_unsigned(self, call: CallObject) -> str:
        """A development chain takes a transaction of any account without its key."""
        if self._context.dev is None or call.sender is None:
            raise InvalidParamsError("from: missing")
        await self._context.dev.detach("unsigned transaction")
        async with self._one_at_a_time:
            return data(await self._context.pool.submit(impersonated(await self._filled(call)).raw))

    async def _filled(self, call: CallObject) -> Transaction:
        nonce = self._context.pool.next_nonce(call.sender or ZERO_ADDRESS)
        return await asyncio.to_thread(self._filler.filled, call, nonce)

    async def _fill(self, call: CallObject) -> Json:
        """The transaction for somebody else to sign."""
        return _shown(with_encoding(await self._filled(call)))


def _shown(transaction: Transaction) -> Json:
    return {"raw": data(transaction.raw), "tx": encode.bare_transaction(transaction)}
