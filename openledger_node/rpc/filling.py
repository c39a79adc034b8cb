"""What the node fills into a transaction that a client left incomplete: nonce, gas, prices, chain id.

Source: geth, `eth_fillTransaction` and `eth_sendTransaction`.
"""

from dataclasses import replace

from genesis.types import ZERO_ADDRESS, ZERO_HASH
from openledger_node.evm.records import Transaction
from openledger_node.evm.transactions import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE
from openledger_node.rpc.call_methods import CallMethods
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.requests import CallObject, Tag


class Filler:
    def __init__(self, context: RpcContext, calls: CallMethods, fees: FeeMethods) -> None:
        self._context = context
        self._calls = calls
        self._fees = fees

    def filled(self, call: CallObject, nonce: int) -> Transaction:
        """The whole transaction without a signature; `hash` and `raw` are left empty. Blocks while it
        estimates. Raises InvalidParamsError or ServerError for what can be no transaction."""
        chain_id = self._context.chain.spec.chain_id
        if call.chain_id is not None and call.chain_id != chain_id:
            raise ServerError(f"chainId does not match node's (have={call.chain_id}, want={chain_id})")
        if call.to is None and not call.data:
            raise InvalidParamsError("contract creation without any data provided")
        if call.blob_hashes is not None and not self._takes_blobs(call):
            raise InvalidParamsError("blob transactions are not supported here")
        priced = self._priced(call)
        return Transaction(
            type=_type_of(priced),
            hash=ZERO_HASH,
            raw=b"",
            sender=call.sender or ZERO_ADDRESS,
            to=call.to,
            nonce=nonce if call.nonce is None else call.nonce,
            gas=self._gas(priced),
            value_wei=call.value_wei,
            data=call.data,
            chain_id=chain_id,
            max_fee_wei=_fee_cap(priced),
            max_priority_fee_wei=_tip_cap(priced),
            v=0,
            r=0,
            s=0,
            access_list=call.access_list or (),
            max_blob_fee_wei=self._blob_fee_wei(call),
            blob_hashes=call.blob_hashes or (),
            authorizations=call.authorizations or (),
        )

    def _takes_blobs(self, call: CallObject) -> bool:
        return not self._context.chain.spec.is_rollup and call.to is not None

    def _gas(self, call: CallObject) -> int:
        if call.gas is not None:
            return call.gas
        return int(self._calls.estimate(call, Tag.LATEST, None, None), 16)

    def _blob_fee_wei(self, call: CallObject) -> int:
        """Twice what blobs cost now, unless the client says otherwise."""
        if call.max_blob_fee_wei is not None or not call.blob_hashes:
            return call.max_blob_fee_wei or 0
        return 2 * self._context.chain.snapshot().blob_base_fee_wei

    def _priced(self, call: CallObject) -> CallObject:
        if call.gas_price_wei is not None:
            return call
        tip_wei = call.max_priority_fee_wei
        if tip_wei is None:
            tip_wei = self._fees.tip_wei()
            if call.max_fee_wei is not None:
                tip_wei = min(tip_wei, call.max_fee_wei)
        cap_wei = call.max_fee_wei
        if cap_wei is None:
            cap_wei = 2 * self._fees.next_base_fee_wei() + tip_wei
        return replace(call, max_fee_wei=cap_wei, max_priority_fee_wei=tip_wei)


def _fee_cap(call: CallObject) -> int:
    return (call.max_fee_wei if call.gas_price_wei is None else call.gas_price_wei) or 0


def _tip_cap(call: CallObject) -> int:
    return (call.max_priority_fee_wei if call.gas_price_wei is None else call.gas_price_wei) or 0


def _type_of(call: CallObject) -> int:
    if call.authorizations is not None:
        return SET_CODE
    if call.blob_hashes is not None:
        return BLOB
    if call.gas_price_wei is None:
        return DYNAMIC_FEE
    return LEGACY if call.access_list is None else ACCESS_LIST
