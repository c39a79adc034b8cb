"""The composite parameters of `eth_*`: block references, call objects, overrides.

Source: execution-apis; EIP-1898 (block by hash or number); go-ethereum for override sets.
"""

from dataclasses import dataclass
from enum import Enum

from genesis.types import ZERO_ADDRESS, Address, Hash32
from openledger_node.evm.records import (
    AccessListEntry,
    AccountOverride,
    Authorization,
    BlockOverride,
    CallRequest,
)
from openledger_node.rpc import parse
from openledger_node.rpc.errors import InvalidParamsError, ServerError

# --- Block references -------------------------------------------------------------------------------------


class Tag(Enum):
    LATEST = "latest"
    EARLIEST = "earliest"
    PENDING = "pending"
    SAFE = "safe"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class HashReference:
    """A block by hash; `require_canonical` refuses one that left the chain."""

    hash: Hash32
    require_canonical: bool = False


BlockReference = Tag | int | HashReference
MAXIMUM_HEIGHT = 2**63 - 1
_TAGS = {tag.value: tag for tag in Tag}


def block_number(value: object) -> Tag | int:
    """A tag or a height."""
    if isinstance(value, str) and value in _TAGS:
        return _TAGS[value]
    number = parse.uint64(value)
    if number > MAXIMUM_HEIGHT:
        raise InvalidParamsError("block number larger than int64")
    return number


def block_reference(value: object) -> BlockReference:
    """A tag, a height, a hash, or EIP-1898's object."""
    if isinstance(value, dict):
        return _block_object(value)
    if isinstance(value, str) and len(value) == 66:
        return HashReference(parse.hash32(value))
    return block_number(value)


def _block_object(value: dict[str, object]) -> BlockReference:
    block_hash = parse.field(value, "blockHash", parse.hash32)
    number = parse.field(value, "blockNumber", block_number)
    if block_hash is not None and number is not None:
        raise InvalidParamsError("cannot specify both BlockHash and BlockNumber, choose one or the other")
    if block_hash is None and number is None:
        raise ServerError("invalid arguments; neither block nor hash specified")
    if block_hash is not None:
        canonical = parse.field(value, "requireCanonical", parse.boolean)
        return HashReference(block_hash, bool(canonical))
    return number if number is not None else Tag.LATEST


# --- Call objects -----------------------------------------------------------------------------------------

MAXIMUM_BLOB_HASHES = 64
"""More than any block holds."""


@dataclass(frozen=True, slots=True)
class CallObject:
    """A transaction object as the client wrote it; None for what it left out."""

    sender: Address | None
    to: Address | None
    gas: int | None
    gas_price_wei: int | None
    max_fee_wei: int | None
    max_priority_fee_wei: int | None
    value_wei: int
    data: bytes
    nonce: int | None
    access_list: tuple[AccessListEntry, ...] | None
    chain_id: int | None
    authorizations: tuple[Authorization, ...] | None
    max_blob_fee_wei: int | None
    blob_hashes: tuple[Hash32, ...] | None

    @property
    def has_fees(self) -> bool:
        return any((self.gas_price_wei, self.max_fee_wei, self.max_priority_fee_wei))

    def request(self, gas: int, base_fee_wei: int) -> CallRequest:
        """The message to run with `gas`, at the price it would pay under `base_fee_wei`."""
        return CallRequest(
            sender=self.sender or ZERO_ADDRESS,
            to=self.to,
            gas=gas,
            value_wei=self.value_wei,
            data=self.data,
            gas_price_wei=self._price_wei(base_fee_wei) if self.has_fees else None,
            access_list=self.access_list or (),
            authorizations=self.authorizations or (),
            blob_hashes=self.blob_hashes or (),
            max_blob_fee_wei=self.max_blob_fee_wei or 0,
        )

    def _price_wei(self, base_fee_wei: int) -> int:
        if self.gas_price_wei is not None:
            return self.gas_price_wei
        wanted_wei = base_fee_wei + (self.max_priority_fee_wei or 0)
        return wanted_wei if self.max_fee_wei is None else min(self.max_fee_wei, wanted_wei)


def call_object(value: object) -> CallObject:
    fields = parse.json_object(value)
    call = CallObject(
        sender=parse.field(fields, "from", parse.address),
        to=parse.field(fields, "to", parse.address),
        gas=parse.field(fields, "gas", parse.uint64),
        gas_price_wei=parse.field(fields, "gasPrice", parse.quantity),
        max_fee_wei=parse.field(fields, "maxFeePerGas", parse.quantity),
        max_priority_fee_wei=parse.field(fields, "maxPriorityFeePerGas", parse.quantity),
        value_wei=parse.field(fields, "value", parse.quantity) or 0,
        data=_calldata(fields),
        nonce=parse.field(fields, "nonce", parse.uint64),
        access_list=parse.field(fields, "accessList", access_list),
        chain_id=parse.field(fields, "chainId", parse.quantity),
        authorizations=parse.field(fields, "authorizationList", authorization_list),
        max_blob_fee_wei=parse.field(fields, "maxFeePerBlobGas", parse.quantity),
        blob_hashes=parse.field(fields, "blobVersionedHashes", _blob_hashes),
    )
    _check_fee_fields(call)
    return call


def _check_fee_fields(call: CallObject) -> None:
    tip_wei, cap_wei = call.max_priority_fee_wei, call.max_fee_wei
    if call.gas_price_wei is not None and (tip_wei is not None or cap_wei is not None):
        raise InvalidParamsError("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    if tip_wei is not None and cap_wei is not None and tip_wei > cap_wei:
        raise InvalidParamsError(
            f"maxFeePerGas ({cap_wei:#x}) < maxPriorityFeePerGas ({tip_wei:#x}): "
            "max priority fee per gas higher than max fee per gas"
        )


def _blob_hashes(value: object) -> tuple[Hash32, ...]:
    return tuple(parse.list_of(parse.hash32, most=MAXIMUM_BLOB_HASHES)(value))


def _calldata(fields: dict[str, object]) -> bytes:
    first, second = parse.field(fields, "input", parse.data), parse.field(fields, "data", parse.data)
    if first is not None and second is not None and first != second:
        raise InvalidParamsError('both "data" and "input" are set and not equal')
    return first or second or b""


def access_list(value: object) -> tuple[AccessListEntry, ...]:
    """Addresses with storage keys (EIP-2930)."""
    return tuple(_access_list_entry(item) for item in parse.list_of(parse.json_object)(value))


def _access_list_entry(fields: dict[str, object]) -> AccessListEntry:
    address = parse.field(fields, "address", parse.address)
    if address is None:
        raise InvalidParamsError("access list entry without address")
    slots = parse.field(fields, "storageKeys", parse.list_of(parse.hash32)) or []
    return AccessListEntry(address, tuple(slots))


def authorization_list(value: object) -> tuple[Authorization, ...]:
    """Signed EIP-7702 authorizations."""
    return tuple(_authorization(item) for item in parse.list_of(parse.json_object)(value))


def _authorization(fields: dict[str, object]) -> Authorization:
    address = parse.field(fields, "address", parse.address)
    if address is None:
        raise InvalidParamsError("authorization without address")
    return Authorization(
        chain_id=parse.field(fields, "chainId", parse.quantity) or 0,
        address=address,
        nonce=parse.field(fields, "nonce", parse.uint64) or 0,
        y_parity=parse.field(fields, "yParity", parse.uint64) or 0,
        r=parse.field(fields, "r", parse.quantity) or 0,
        s=parse.field(fields, "s", parse.quantity) or 0,
    )


# --- Overrides --------------------------------------------------------------------------------------------


def state_overrides(value: object) -> dict[Address, AccountOverride]:
    """What of which accounts a call shall see otherwise."""
    overrides = {parse.address(key): item for key, item in parse.json_object(value).items()}
    return {
        address: _account_override(address, parse.json_object(item)) for address, item in overrides.items()
    }


def _account_override(address: Address, fields: dict[str, object]) -> AccountOverride:
    storage = parse.field(fields, "state", _slots)
    changes = parse.field(fields, "stateDiff", _slots)
    if storage is not None and changes is not None:
        raise ServerError(f"account 0x{address.hex()} has both 'state' and 'stateDiff'")
    return AccountOverride(
        nonce=parse.field(fields, "nonce", parse.uint64),
        balance_wei=parse.field(fields, "balance", parse.quantity),
        code=parse.field(fields, "code", parse.data),
        storage=storage,
        storage_changes=changes or {},
        move_precompile_to=parse.field(fields, "movePrecompileToAddress", parse.address),
    )


def _slots(value: object) -> dict[int, int]:
    return {
        parse.storage_key(key): int.from_bytes(parse.hash32(item))
        for key, item in parse.json_object(value).items()
    }


def block_overrides(value: object) -> BlockOverride:
    """What of the block a call shall see otherwise."""
    fields = parse.json_object(value)
    return BlockOverride(
        number=parse.field(fields, "number", parse.quantity),
        timestamp_s=parse.field(fields, "time", parse.uint64),
        gas_limit=parse.field(fields, "gasLimit", parse.uint64),
        fee_recipient=parse.field(fields, "feeRecipient", parse.address),
        prev_randao=parse.field(fields, "prevRandao", parse.hash32),
        base_fee_wei=parse.field(fields, "baseFeePerGas", parse.quantity),
        blob_base_fee_wei=parse.field(fields, "blobBaseFee", parse.quantity),
    )


def call_block_overrides(value: object) -> BlockOverride:
    """The overrides that a single call knows; a simulated block has more."""
    fields = parse.json_object(value)
    for name in ("beaconRoot", "withdrawals"):
        if fields.get(name) is not None:
            raise ServerError(f'block override "{name}" is not supported for this RPC method')
    return block_overrides(value)
