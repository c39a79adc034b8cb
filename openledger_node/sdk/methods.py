"""The node's `openledger_*` methods on the web3.py module: one call each, awaited on `AsyncWeb3`.

Integers and bytes become hex on the way in; answers are the node's JSON, with quantities as hex
(`docs/json-rpc.md`).
"""

from typing import Any

from web3 import AsyncWeb3
from web3.method import Method
from web3.module import Module
from web3.types import RPCEndpoint


def _parameters(_module: Module, *values: Any) -> list[Any]:
    return [_parameter(value) for value in values]


def _parameter(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _method(name: str) -> Method[Any]:
    return Method(RPCEndpoint(f"openledger_{name}"), mungers=[_parameters])


class OpenLedgerMethods(Module):
    """Takes `Web3` or `AsyncWeb3`, and answers as that does."""

    def __init__(self, w3: Any) -> None:
        self.is_async = isinstance(w3, AsyncWeb3)
        super().__init__(w3)

    # What stands on the chain, by id; None for an unknown one.
    get_agent = _method("getAgent")
    get_asset_token = _method("getAssetToken")
    get_channel = _method("getChannel")
    get_contribution = _method("getContribution")
    get_datanet = _method("getDatanet")
    get_feature_index = _method("getFeatureIndex")
    get_grant = _method("getGrant")
    get_lineage = _method("getLineage")
    get_model = _method("getModel")
    get_policy = _method("getPolicy")
    get_post = _method("getPost")
    get_proposal = _method("getProposal")
    get_provider = _method("getProvider")
    get_providers = _method("getProviders")
    get_request = _method("getRequest")
    get_rewards = _method("getRewards")
    get_settlement = _method("getSettlement")
    get_validator = _method("getValidator")
    get_version = _method("getVersion")
    get_votes = _method("getVotes")
    get_withdrawal_proof = _method("getWithdrawalProof")
    preview_split = _method("previewSplit")
    supply = _method("supply")
    sync_status = _method("syncStatus")

    # What a node with a gateway keeps besides.
    estimate_earnings = _method("estimateEarnings")
    get_attribution = _method("getAttribution")
    get_attribution_proof = _method("getAttributionProof")
    get_job = _method("getJob")
    get_receipt = _method("getReceipt")
    get_receipt_proof = _method("getReceiptProof")
    get_record_proof = _method("getRecordProof")

    # Development and test networks.
    fund_address = _method("fundAddress")
