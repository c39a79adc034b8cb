from dataclasses import replace

from genesis.types import ZERO_ADDRESS, Hash32
from openledger_node.evm.records import DEPOSIT_TYPE, Authorization, Block, L1Fee, Transaction
from openledger_node.rpc import encode, encode_receipts
from tests.rpc.records import block, log, transaction

PLACE = {"blockHash", "blockNumber", "blockTimestamp", "transactionIndex"}
COMMON = {"type", "hash", "from", "to", "gas", "value", "input", "nonce", "gasPrice", "v", "r", "s"}
TYPED = COMMON | {"chainId", "accessList", "yParity"}
FEES = {"maxFeePerGas", "maxPriorityFeePerGas"}


def mined(value: Transaction) -> set[str]:
    return set(encode.mined_transaction(block(1, [(value, [])]), 0)) - PLACE


def test_each_type_has_exactly_its_fields() -> None:
    assert mined(replace(transaction(1, type_=0), chain_id=None)) == COMMON
    assert mined(transaction(1, type_=0)) == COMMON | {"chainId"}
    assert mined(transaction(1, type_=1)) == TYPED
    assert mined(transaction(1, type_=2)) == TYPED | FEES
    assert mined(transaction(1, type_=3)) == TYPED | FEES | {"maxFeePerBlobGas", "blobVersionedHashes"}
    assert mined(transaction(1, type_=4)) == TYPED | FEES | {"authorizationList"}
    assert mined(transaction(1, type_=DEPOSIT_TYPE)) == COMMON | {
        "sourceHash",
        "mint",
        "depositReceiptVersion",
    }


def test_deposit_shows_its_own_nonce_and_no_signature() -> None:
    made = block(1, [(transaction(0, type_=DEPOSIT_TYPE), [])])
    made = replace(made, receipts=(replace(made.receipts[0], deposit_nonce=41),))
    shown = encode.mined_transaction(made, 0)
    assert (shown["nonce"], shown["v"], shown["r"], shown["mint"]) == ("0x29", "0x0", "0x0", "0x7")
    assert encode_receipts.receipt(made, 0, 1)["depositNonce"] == "0x29"


def test_gas_price_is_paid_or_offered() -> None:
    made = block(1, [(transaction(1), [])])
    assert encode.mined_transaction(made, 0)["gasPrice"] == "0xc"
    pending = encode.pending_transaction(transaction(1))
    assert pending["gasPrice"] == "0x14"
    assert all(pending[name] is None for name in PLACE)


def test_receipts_of_the_l1_carry_no_rollup_fields() -> None:
    made = block(1, [(transaction(1), [])])
    assert not any("l1" in name or "deposit" in name for name in encode_receipts.receipt(made, 0, 1))


def test_rollup_receipt() -> None:
    made = block(1, [(transaction(1), [])])
    fee = L1Fee(10, 1600, 2, 3, 4, 5)
    made = replace(made, receipts=(replace(made.receipts[0], l1_fee=fee),))
    shown = encode_receipts.receipt(made, 0, 1)
    assert {name: value for name, value in shown.items() if name.startswith("l1")} == {
        "l1Fee": "0xa",
        "l1GasUsed": "0x640",
        "l1GasPrice": "0x2",
        "l1BlobBaseFee": "0x3",
        "l1BaseFeeScalar": "0x4",
        "l1BlobBaseFeeScalar": "0x5",
    }


def test_one_receipt_equals_its_place_in_all_receipts() -> None:
    made = block(1, [(transaction(1), [log(b"a"), log(b"b")]), (transaction(2), [log(b"c")])])
    every = encode_receipts.receipts(made, 1)
    assert [encode_receipts.receipt(made, index, 1) for index in range(2)] == every
    assert [item["logIndex"] for shown in every for item in shown["logs"]] == ["0x0", "0x1", "0x2"]


def test_block_fields_clients_insist_on() -> None:
    shown = encode.block(empty(), full=False)
    assert shown["difficulty"] == "0x0"
    assert shown["extraData"] == "0x"
    assert shown["nonce"] == "0x0000000000000000"
    assert shown["uncles"] == shown["withdrawals"] == shown["transactions"] == []
    assert {"mixHash", "size", "baseFeePerGas", "parentBeaconBlockRoot", "requestsHash"} <= set(shown)


def empty() -> Block:
    return block(0, [])


def test_authorizations() -> None:
    given = Authorization(1, ZERO_ADDRESS, 2, 1, 3, 4)
    value = replace(transaction(1, type_=4), authorizations=(given,))
    [shown] = encode.pending_transaction(value)["authorizationList"]
    assert shown == {
        "chainId": "0x1",
        "address": "0x" + "00" * 20,
        "nonce": "0x2",
        "yParity": "0x1",
        "r": "0x3",
        "s": "0x4",
    }
    assert encode.data(Hash32(bytes(32))) == "0x" + "00" * 32
