"""OpenLedger in web3.py: `Web3(provider, external_modules={"openledger": (OpenLedger,)})`, sync or async.

The contracts carry the ABIs that the node runs; calls, transactions, events and errors are web3.py's own.
What web3.py cannot know is here: what is signed, and how commitments and trees are made. Needs `web3`, which
the node itself does not.
"""

from genesis.typed_data import RetrievalShare
from openledger_node.sdk.module import OpenLedger
from openledger_node.sdk.signing import (
    challenge_commitment,
    claim_order_digest,
    index_challenge_commitment,
    receipts_root,
    retrieval_voucher_digest,
    voucher_digest,
)

__all__ = [
    "OpenLedger",
    "RetrievalShare",
    "challenge_commitment",
    "claim_order_digest",
    "index_challenge_commitment",
    "receipts_root",
    "retrieval_voucher_digest",
    "voucher_digest",
]
