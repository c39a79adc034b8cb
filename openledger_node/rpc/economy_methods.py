"""What the precompiles say about data, models and money: `openledger_get…`, as JSON with the structs' names.

Integers are quantities, bytes and addresses hex. An unknown id is null.
"""

from collections.abc import Callable, Mapping
from typing import Any

from genesis.shares import SplitRule, split_fee
from genesis.types import ZERO_ADDRESS, Address
from openledger_node.client.contract import Contract
from openledger_node.client.economy import (
    ATTRIBUTION,
    DATANETS,
    METERING,
    MODELS,
    POLICY,
    ROLE_PROVIDER,
    ROLE_VALIDATOR,
    STAKING,
)
from openledger_node.evm.records import CallRequest
from openledger_node.evm.snapshot import Snapshot
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.errors import ServerError
from openledger_node.rpc.requests import BlockReference, Tag, block_reference
from openledger_node.rpc.table import Table, optional, reader

READ_GAS = 5_000_000
LONGEST_LINEAGE = 64


class EconomyMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context
        self._heads = context.heads

    def table(self) -> Table:
        number, account = parse.number, parse.address
        at = optional(block_reference, Tag.LATEST)
        return {
            "openledger_getDatanet": reader(self._get(DATANETS, "getDatanet"), number, at),
            "openledger_getContribution": reader(self._get(DATANETS, "getContribution"), number, at),
            "openledger_getVersion": reader(self._version, number, number, at),
            "openledger_getModel": reader(self._get(MODELS, "getModel"), number, at),
            "openledger_getFeatureIndex": reader(self._get(MODELS, "getFeatureIndex"), number, at),
            "openledger_getLineage": reader(self._lineage, number, at),
            "openledger_getChannel": reader(self._get(METERING, "getChannel"), parse.hash32, at),
            "openledger_getSettlement": reader(self._get(METERING, "getSettlement"), number, at),
            "openledger_getPost": reader(self._get(ATTRIBUTION, "getPost"), number, at),
            "openledger_getRewards": reader(self._rewards, account, at),
            "openledger_getValidator": reader(self._validator, account, at),
            "openledger_getPolicy": reader(self._policy, optional(number), at),
            "openledger_previewSplit": reader(self._preview_split, parse.quantity, optional(number), at),
        }

    def _get(self, contract: Contract, method: str) -> Callable[[int | bytes, BlockReference], Json | None]:
        """A reader of one struct by its id."""

        def get(identity: int | bytes, at: BlockReference) -> Json | None:
            found = read(self._heads.state(at), contract, method, identity)
            return None if found is None else json_ready(found)

        return get

    def _version(self, datanet_id: int, version: int, at: BlockReference) -> Json | None:
        found = read(self._heads.state(at), DATANETS, "getVersion", datanet_id, version)
        return None if found is None else json_ready(found)

    def _lineage(self, model_id: int, at: BlockReference) -> list[Json] | None:
        """The model and its ancestors, nearest first, each with the Datanet versions it was made from."""
        state = self._heads.state(at)
        line: list[Json] = []
        while model_id and len(line) < LONGEST_LINEAGE:
            model = read(state, MODELS, "getModel", model_id)
            if model is None:
                break
            sources = [read(state, MODELS, "getSource", model_id, i) for i in range(model["sources"])]
            line.append(
                {
                    "modelId": quantity(model_id),
                    "owner": data(model["owner"]),
                    "manifestHash": data(model["manifestHash"]),
                    "sources": [
                        {"datanetId": quantity(datanet), "version": quantity(version)}
                        for datanet, version in filter(None, sources)
                    ],
                }
            )
            model_id = model["parent"]
        return line or None

    def _rewards(self, account: Address, at: BlockReference) -> Json:
        """What an account has earned or may take, in wei: attributed claims, metering earnings, stake."""
        state = self._heads.state(at)
        return {
            "attributionClaimed": quantity(read(state, ATTRIBUTION, "earningsOf", account) or 0),
            "slashRewards": quantity(read(state, ATTRIBUTION, "rewardOf", account) or 0),
            "meteringEarnings": quantity(read(state, METERING, "earningsOf", account) or 0),
            "meteringHeld": quantity(read(state, METERING, "heldOf", account) or 0),
            "stakingRewards": quantity(read(state, STAKING, "pendingRewards", account) or 0),
        }

    def _validator(self, account: Address, at: BlockReference) -> Json:
        """An account's pools: own and delegated stake net of slashing, its own part, and its commission."""
        state = self._heads.state(at)
        return {
            "validator": _pool(state, account, ROLE_VALIDATOR),
            "provider": _pool(state, account, ROLE_PROVIDER),
        }

    def _policy(self, version: int | None, at: BlockReference) -> Json | None:
        state = self._heads.state(at)
        chosen = read(state, POLICY, "currentVersion") if version is None else version
        found = read(state, POLICY, "getParameters", chosen)
        return None if found is None else {"version": quantity(chosen), "parameters": json_ready(found)}

    def _preview_split(self, gross_wei: int, version: int | None, at: BlockReference) -> Json:
        """How a fee would be split under a policy version, the current one by default."""
        state = self._heads.state(at)
        chosen = read(state, POLICY, "currentVersion") if version is None else version
        policy = read(state, POLICY, "getParameters", chosen)
        if policy is None:
            raise ServerError(f"no policy version {chosen}")
        names = ("platformPpm", "providerPpm", "ownerPpm", "stakersPpm")
        parts = split_fee(gross_wei, SplitRule(*(policy[name] for name in names)))
        return {
            "gross": quantity(gross_wei),
            "platform": quantity(parts.platform_wei),
            "provider": quantity(parts.provider_wei),
            "owner": quantity(parts.owner_wei),
            "stakers": quantity(parts.stakers_wei),
            "contributors": quantity(parts.contributors_wei),
        }


def _pool(state: Snapshot, account: Address, role: int) -> Json:
    position = json_ready(read(state, STAKING, "position", account, role))
    own = read(state, STAKING, "delegation", account, role, account)
    names = ("commission", "nextCommission", "commissionAt")
    commission = read(state, STAKING, "commission", account, role)
    terms = {name: quantity(value) for name, value in zip(names, commission, strict=True)}
    return {**position, "ownActive": quantity(own["active"]), **terms}


def read(state: Snapshot, contract: Contract, method: str, *arguments: Any) -> Any:
    """A view's result; None when it reverts, as our precompiles do for unknown ids."""
    request = CallRequest(
        sender=ZERO_ADDRESS,
        to=contract.address,
        gas=READ_GAS,
        data=contract.calldata(method, *arguments),
    )
    result = state.call(request)
    if result.error is None:
        return contract.result(method, result.output)
    if result.error.startswith("execution reverted"):
        return None
    raise ServerError(result.error)


def json_ready(values: Mapping[str, Any]) -> Json:
    """A struct as JSON: integers as quantities, bytes as hex."""
    return {name: _scalar(value) for name, value in values.items()}


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | str):
        return value
    return data(value) if isinstance(value, bytes) else quantity(value)
