"""An ERC-20 at home on one chain and its stand-in on the other: what they are, how a stand-in is made.

A pair is named by its stand-in, which knows its original (`remoteToken`) and who makes and unmakes it
(`bridge`). On the L2 stand-ins come from the predeployed factory; on the L1 from the CREATE2 factory that
every chain has, so that the stand-in of a token has one address, whoever makes it.

Covered: both homes. Not covered: sending.
Source: OP Stack specification, standard bridges; EIP-1014.
"""

from dataclasses import dataclass
from typing import Literal

from eth_abi.abi import encode

from genesis.addresses import CREATE2_FACTORY, L2_STANDARD_BRIDGE, MINTABLE_ERC20_FACTORY
from genesis.contracts.artifact import read_artifact
from genesis.keccak import keccak256
from genesis.predeploys import ARTIFACTS
from genesis.types import Address
from openledger_node.client.contract import Contract
from openledger_node.client.predeploys import predeploy_interface

L2_BRIDGE = Contract(L2_STANDARD_BRIDGE, predeploy_interface("L2StandardBridge"))
L2_FACTORY = Contract(MINTABLE_ERC20_FACTORY, predeploy_interface("OptimismMintableERC20Factory"))
SALT = bytes(32)


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a token is on both chains, and on which it is at home."""

    l1_token: Address
    l2_token: Address
    home: Literal["l1", "l2"]


@dataclass(frozen=True, slots=True)
class StandIn:
    """A stand-in to be made on the L1: what the CREATE2 factory is sent, and where it then stands."""

    address: Address
    factory_calldata: bytes


def stand_in(token: Address) -> Contract:
    """A token that stands for one on the other chain."""
    return Contract(token, predeploy_interface("OptimismMintableERC20"))


def l1_stand_in(bridge: Address, l2_token: Address, name: str, symbol: str, decimals: int) -> StandIn:
    """What makes a token of the L2 known on the L1; `bridge` is the L1's."""
    types = ["address", "address", "string", "string", "uint8"]
    arguments = encode(types, [bridge, l2_token, name, symbol, decimals])
    creation = read_artifact(ARTIFACTS, "OptimismMintableERC20").bytecode + arguments
    digest = keccak256(b"\xff" + CREATE2_FACTORY + SALT + keccak256(creation))
    return StandIn(Address(digest[12:]), SALT + creation)
