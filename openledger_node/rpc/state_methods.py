"""What an account has at a block: balance, nonce, code, storage, and the proof of it."""

from collections.abc import Sequence

from genesis.types import Address
from openledger_node.rpc import encode, parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity, word
from openledger_node.rpc.errors import InvalidParamsError
from openledger_node.rpc.requests import BlockReference, Tag, block_reference
from openledger_node.rpc.table import Table, optional, reader

FULL_DIGITS = 64


class StateMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads

    def table(self) -> Table:
        at = optional(block_reference, Tag.LATEST)
        return {
            "eth_getBalance": reader(self._balance, parse.address, at),
            "eth_getCode": reader(self._code, parse.address, at),
            "eth_getStorageAt": reader(self._storage, parse.address, parse.storage_key, at),
            "eth_getStorageValues": reader(self._storages, _slots_by_account, at),
            "eth_getTransactionCount": reader(self._nonce, parse.address, at),
            "eth_getProof": reader(self._proof, parse.address, parse.list_of(_proof_key), at),
        }

    def _balance(self, address: Address, at: BlockReference) -> str:
        return quantity(self._heads.state(at).account(address).balance_wei)

    def _code(self, address: Address, at: BlockReference) -> str:
        return data(self._heads.state(at).account(address).code)

    def _storage(self, address: Address, slot: int, at: BlockReference) -> str:
        return word(self._heads.state(at).storage_at(address, slot))

    def _storages(self, wanted: dict[Address, list[int]], at: BlockReference) -> Json:
        state = self._heads.state(at)
        return {
            data(address): [word(state.storage_at(address, slot)) for slot in slots]
            for address, slots in wanted.items()
        }

    def _nonce(self, address: Address, at: BlockReference) -> str:
        if at is Tag.PENDING:
            return quantity(self._context.pool.ask(lambda: self._context.pool.next_nonce(address)))
        return quantity(self._heads.state(at).account(address).nonce)

    def _proof(self, address: Address, keys: Sequence[tuple[str, int]], at: BlockReference) -> Json:
        if len(keys) > self._context.limits.proof_slots:
            raise InvalidParamsError(f"too many slots: at most {self._context.limits.proof_slots}")
        proof = self._heads.state(at).prove(address, [slot for _, slot in keys])
        return encode.proof(proof, [written for written, _ in keys])


def _proof_key(value: object) -> tuple[str, int]:
    """A slot with the form in which the answer names it: 32 bytes if given as such, else a quantity."""
    slot = parse.storage_key(value)
    is_full = len(parse.text(value).removeprefix("0x")) == FULL_DIGITS
    return (word(slot) if is_full else quantity(slot)), slot


def _slots_by_account(value: object) -> dict[Address, list[int]]:
    fields = parse.json_object(value)
    wanted = {parse.address(key): parse.list_of(_full_key)(slots) for key, slots in fields.items()}
    if not wanted:
        raise InvalidParamsError("empty request")
    if sum(map(len, wanted.values())) > 1_024:
        raise InvalidParamsError("too many slots: at most 1024")
    return wanted


def _full_key(value: object) -> int:
    return int.from_bytes(parse.hash32(value))
