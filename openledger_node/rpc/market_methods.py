"""What requests, providers, governance, grants, agents and tokens are: `openledger_get…`, as JSON.

Covered: one answer for what a screen or command shows of each, read at one block. Integers are quantities,
bytes and addresses hex; an unknown id is null. Not covered: lists over all time, which logs give.
"""

from typing import Any

from genesis.types import ZERO_ADDRESS, Address
from openledger_node.client.economy import METERING
from openledger_node.client.predeploys import (
    AGENTS,
    GOVERNOR,
    GRANTS,
    PROPOSAL_STATES,
    TOKENS,
    VOTES,
    asset_token,
)
from openledger_node.evm.snapshot import Snapshot
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.economy_methods import json_ready, read
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.requests import BlockReference, Tag, block_reference
from openledger_node.rpc.table import Table, optional, reader

MOST_PROVIDERS = 256
"""Providers in one answer; the directory of more is read by its logs."""


class MarketMethods:
    def __init__(self, context: RpcContext) -> None:
        self._heads = context.heads

    def table(self) -> Table:
        number, account = parse.number, parse.address
        at = optional(block_reference, Tag.LATEST)
        return {
            "openledger_getRequest": reader(self._request, number, at),
            "openledger_getProvider": reader(self._provider, account, at),
            "openledger_getProviders": reader(self._providers, at),
            "openledger_getProposal": reader(self._proposal, parse.quantity, at),
            "openledger_getVotes": reader(self._votes, account, at),
            "openledger_getGrant": reader(self._grant, number, at),
            "openledger_getAgent": reader(self._agent, number, at),
            "openledger_getAssetToken": reader(self._token, number, number, at),
        }

    def _request(self, request_id: int, at: BlockReference) -> Json | None:
        found = read(self._heads.state(at), METERING, "getRequest", request_id)
        return None if found is None or found["requester"] == ZERO_ADDRESS else json_ready(found)

    def _provider(self, account: Address, at: BlockReference) -> Json | None:
        """A provider of the directory, with what it served."""
        return _provider(self._heads.state(at), account)

    def _providers(self, at: BlockReference) -> list[Json]:
        state = self._heads.state(at)
        count = min(MOST_PROVIDERS, read(state, METERING, "providerCount") or 0)
        accounts = [read(state, METERING, "providerAt", place) for place in range(count)]
        return [found for account in accounts if (found := _provider(state, account)) is not None]

    def _proposal(self, proposal_id: int, at: BlockReference) -> Json | None:
        """Where a proposal stands: state by name, votes, and the times in Unix seconds."""
        state = self._heads.state(at)
        stands = read(state, GOVERNOR, "state", proposal_id)
        if stands is None:
            return None
        against, in_favour, abstain = read(state, GOVERNOR, "proposalVotes", proposal_id)
        times = {"voteStart": "proposalSnapshot", "voteEnd": "proposalDeadline", "dueAt": "proposalEta"}
        return {
            "proposalId": quantity(proposal_id),
            "state": PROPOSAL_STATES[stands],
            "proposer": data(read(state, GOVERNOR, "proposalProposer", proposal_id)),
            "for": quantity(in_favour),
            "against": quantity(against),
            "abstain": quantity(abstain),
            **{name: quantity(read(state, GOVERNOR, method, proposal_id)) for name, method in times.items()},
        }

    def _votes(self, account: Address, at: BlockReference) -> Json:
        state = self._heads.state(at)
        return {
            "balance": quantity(read(state, VOTES, "balanceOf", account)),
            "votes": quantity(read(state, VOTES, "getVotes", account)),
            "delegate": data(read(state, VOTES, "delegates", account)),
            "lockedUntil": quantity(read(state, VOTES, "lockedUntil", account)),
        }

    def _grant(self, grant_id: int, at: BlockReference) -> Json | None:
        state = self._heads.state(at)
        found = read(state, GRANTS, "getGrant", grant_id)
        if found is None:
            return None
        amounts = [read(state, GRANTS, "amountOf", grant_id, each) for each in range(found["milestones"])]
        return json_ready(found) | {"amounts": [quantity(amount) for amount in amounts]}

    def _agent(self, agent_id: int, at: BlockReference) -> Json | None:
        """An agent's owner, registration file, profile and wallet."""
        state = self._heads.state(at)
        owner = read(state, AGENTS, "ownerOf", agent_id)
        if owner is None:
            return None
        return {
            "agentId": quantity(agent_id),
            "owner": data(owner),
            "uri": read(state, AGENTS, "tokenURI", agent_id),
            "account": data(read(state, AGENTS, "accountOf", agent_id)),
            "profile": json_ready(read(state, AGENTS, "getProfile", agent_id)),
        }

    def _token(self, kind: int, asset_id: int, at: BlockReference) -> Json | None:
        """The token of a model (1), Datanet (2) or agent (3)."""
        state = self._heads.state(at)
        address = read(state, TOKENS, "tokenOf", kind, asset_id)
        if address == ZERO_ADDRESS:
            return None
        token = asset_token(address)
        texts: dict[str, Any] = {name: read(state, token, name) for name in ("name", "symbol")}
        sums = {name: quantity(read(state, token, name)) for name in ("totalSupply", "owed", "accumulated")}
        return {"token": data(address), **texts, **sums}


def _provider(state: Snapshot, account: Address) -> Json | None:
    found = read(state, METERING, "getProvider", account)
    if found is None or not found["number"]:
        return None
    statistics = read(state, METERING, "statisticsOf", account)
    return {"provider": data(account), **json_ready(found), **json_ready(statistics)}
