"""The web3.py module: a contract object for every precompile and predeploy of the economy."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from eth_utils.address import to_checksum_address
from web3 import AsyncWeb3, Web3

from genesis.addresses import (
    AGENT_REGISTRY,
    ASSET_TOKEN_FACTORY,
    CALLBACK_CALLER,
    GOVERNANCE_TIMELOCK,
    GOVERNOR,
    GRANTS,
    TREASURY,
    VOTES_TOKEN,
)
from genesis.contracts.artifact import read_artifact
from genesis.predeploys import ARTIFACTS
from genesis.types import Address
from openledger_node.sdk.methods import OpenLedgerMethods
from precompiles.abis import CLIENT_NAMES, abi_of

PREDEPLOYS: Mapping[str, tuple[Address, str]] = {
    "treasury": (TREASURY, "Treasury"),
    "timelock": (GOVERNANCE_TIMELOCK, "OpenTimelock"),
    "votes": (VOTES_TOKEN, "OpenVotes"),
    "governor": (GOVERNOR, "OpenGovernor"),
    "callbacks": (CALLBACK_CALLER, "CallbackCaller"),
    "grants": (GRANTS, "Grants"),
    "tokens": (ASSET_TOKEN_FACTORY, "AssetTokenFactory"),
    "agents": (AGENT_REGISTRY, "AgentRegistry"),
}


class OpenLedger(OpenLedgerMethods):
    """`w3.openledger`: contracts and the node's methods by name; on `AsyncWeb3` their calls are awaited."""

    w3: Web3 | AsyncWeb3[Any]

    @cached_property
    def attribution(self) -> Any:
        """Posts, challenges, claims."""
        return self._precompile("attribution")

    @cached_property
    def datanets(self) -> Any:
        """Who contributed which data."""
        return self._precompile("datanets")

    @cached_property
    def models(self) -> Any:
        """Models, their lineage and feature indexes."""
        return self._precompile("models")

    @cached_property
    def metering(self) -> Any:
        """Channels, requests, providers."""
        return self._precompile("metering")

    @cached_property
    def staking(self) -> Any:
        """Stake and its rewards."""
        return self._precompile("staking")

    @cached_property
    def policy(self) -> Any:
        """Versioned parameters."""
        return self._precompile("policy")

    @cached_property
    def registry(self) -> Any:
        """Which precompiles run."""
        return self._precompile("registry")

    @cached_property
    def treasury(self) -> Any:
        """The community's OPEN."""
        return self._predeploy("treasury")

    @cached_property
    def timelock(self) -> Any:
        """What governance decided waits here."""
        return self._predeploy("timelock")

    @cached_property
    def votes(self) -> Any:
        """OPEN that votes."""
        return self._predeploy("votes")

    @cached_property
    def governor(self) -> Any:
        """Proposals."""
        return self._predeploy("governor")

    @cached_property
    def callbacks(self) -> Any:
        """Delivers answers to contracts."""
        return self._predeploy("callbacks")

    @cached_property
    def grants(self) -> Any:
        """Grants by milestone."""
        return self._predeploy("grants")

    @cached_property
    def tokens(self) -> Any:
        """Makes asset tokens."""
        return self._predeploy("tokens")

    @cached_property
    def agents(self) -> Any:
        """Agents' identities."""
        return self._predeploy("agents")

    def asset_token(self, address: str) -> Any:
        """A model's, Datanet's or agent's token."""
        return self._contract(address, read_artifact(ARTIFACTS, "AssetToken").abi)

    def agent_account(self, address: str) -> Any:
        """An agent's wallet."""
        return self._contract(address, read_artifact(ARTIFACTS, "AgentAccount").abi)

    def _precompile(self, name: str) -> Any:
        address = CLIENT_NAMES[name]
        return self._contract(f"0x{address.hex()}", abi_of(address))

    def _predeploy(self, name: str) -> Any:
        address, artifact = PREDEPLOYS[name]
        return self._contract(f"0x{address.hex()}", read_artifact(ARTIFACTS, artifact).abi)

    def _contract(self, address: str, abi: Any) -> Any:
        return self.w3.eth.contract(address=to_checksum_address(address), abi=list(abi))
