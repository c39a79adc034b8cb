"""A small chain for tests: funded wallets, signed transactions, a few contracts written in bytes."""

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_utils.address import to_checksum_address

from genesis.account import GenesisAccount
from genesis.addresses import BEACON_ROOTS, HISTORY_STORAGE, L1_BLOCK
from genesis.spec import ETHEREUM_FEES, ROLLUP_FEES, ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import BlockInputs, CallRequest, DepositFields
from openledger_node.evm.transactions import encode_deposit
from openledger_node.storage.keyvalue import KeyValue, MemoryKeyValue

ROLLUP = ChainSpec(31338, is_rollup=True, block_gas_limit=30_000_000, fees=ROLLUP_FEES)
ETHEREUM = ChainSpec(31337, is_rollup=False, block_gas_limit=30_000_000, fees=ETHEREUM_FEES)
COINBASE = Address(b"\xc0" * 20)
GENESIS_TIME_S = 1_000
FUNDS_WEI = 10**21
GWEI = 10**9

# Stores its first calldata word at slot 0 and logs it: sstore(0, word), log1(0, 0, word).
STORE_AND_LOG = bytes.fromhex("60003560005560003560006000a100")
STORE_ADDRESS = Address(b"\x51" * 20)
# Reverts with its calldata.
REVERT = bytes.fromhex("366000600037366000fd")
REVERT_ADDRESS = Address(b"\x52" * 20)
# Runs until its gas is gone: jumpdest, push 0, jump.
LOOP = bytes.fromhex("5b600056")
LOOP_ADDRESS = Address(b"\x53" * 20)
# Sends its whole balance to the caller and is not destroyed (EIP-6780): caller, selfdestruct.
SELFDESTRUCT = bytes.fromhex("33ff")
SELFDESTRUCT_ADDRESS = Address(b"\x54" * 20)
BEACON_ROOTS_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff8106"
    "90815414603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
)
HISTORY_CODE = bytes.fromhex(
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff814303"
    "11604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)


@dataclass(frozen=True)
class Wallet:
    account: Any

    @property
    def address(self) -> Address:
        return Address(bytes.fromhex(self.account.address[2:]))

    def sign(self, spec: ChainSpec, **fields: Any) -> bytes:
        """A type-2 transaction of 1 wei to nobody unless `fields` say otherwise."""
        filled = {
            "type": 2,
            "chainId": spec.chain_id,
            "nonce": 0,
            "gas": 100_000,
            "maxFeePerGas": 10 * GWEI,
            "maxPriorityFeePerGas": GWEI,
            "to": b"\xee" * 20,
            "value": 1,
            **fields,
        }
        if isinstance(filled["to"], bytes):
            filled["to"] = to_checksum_address(filled["to"])
        signed = self.account.sign_transaction({k: v for k, v in filled.items() if v is not None})
        return bytes(signed.raw_transaction)


def wallet(index: int) -> Wallet:
    return Wallet(Account.from_key(bytes(30) + (index + 1).to_bytes(2, "big")))


ALICE, BOB, CAROL = wallet(0), wallet(1), wallet(2)


def l1_block_storage(
    base_fee_wei: int, blob_base_fee_wei: int, scalar: int, blob_scalar: int
) -> dict[int, int]:
    return {1: base_fee_wei, 3: scalar << 96 | blob_scalar << 64, 7: blob_base_fee_wei}


def allocation() -> dict[Address, GenesisAccount]:
    accounts = {wallet(index).address: GenesisAccount(balance_wei=FUNDS_WEI) for index in range(5)}
    for address, code in (
        (STORE_ADDRESS, STORE_AND_LOG),
        (REVERT_ADDRESS, REVERT),
        (LOOP_ADDRESS, LOOP),
        (SELFDESTRUCT_ADDRESS, SELFDESTRUCT),
        (BEACON_ROOTS, BEACON_ROOTS_CODE),
        (HISTORY_STORAGE, HISTORY_CODE),
    ):
        accounts[address] = GenesisAccount(nonce=1, code=code)
    accounts[L1_BLOCK] = GenesisAccount(
        nonce=1, code=b"\0", storage=l1_block_storage(30 * GWEI, GWEI, 5_000, 800_000)
    )
    return accounts


def open_chain(spec: ChainSpec = ROLLUP, store: KeyValue | None = None) -> Chain:
    return Chain.open(spec, store or MemoryKeyValue(), allocation(), GENESIS_TIME_S)


def inputs(chain: Chain, *transactions: bytes, **changes: Any) -> BlockInputs:
    """The next block's inputs, two seconds after the head."""
    filled: dict[str, Any] = {
        "timestamp_s": chain.head.header.timestamp_s + 2,
        "prev_randao": Hash32(b"\x07" * 32),
        "fee_recipient": COINBASE,
        "gas_limit": 30_000_000,
        "parent_beacon_block_root": Hash32(b"\x08" * 32),
        "transactions": transactions,
        **changes,
    }
    return BlockInputs(**filled)


def deposit(
    sender: Address,
    to: Address | None,
    *,
    mint_wei: int = 0,
    value_wei: int = 0,
    gas: int = 100_000,
    data: bytes = b"",
    is_system: bool = False,
    source: int = 0,
) -> bytes:
    fields = DepositFields(Hash32(source.to_bytes(32, "big")), mint_wei, is_system)
    return encode_deposit(sender, to, deposit=fields, value_wei=value_wei, gas=gas, data=data)


def balance(chain: Chain, address: Address) -> int:
    return chain.snapshot().account(address).balance_wei


def call(to: Address | None, data: bytes = b"", **fields: Any) -> CallRequest:
    return CallRequest(**{"sender": ALICE.address, "to": to, "gas": 1_000_000, "data": data, **fields})


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")
