"""Is everything there that the demo needs: asked first, so that a wrong URL costs no time."""

from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayError
from openledger_node.demo.world import World
from openledger_node.errors import OpenLedgerError

REMEDY = "start a network with `openledger-node dev` or correct "


async def assert_reachable(world: World) -> None:
    """Raises OpenLedgerError naming the first URL that is not what it should be, and its flag."""
    rollup = await _rollup_config(world)
    options = world.options
    if (found := await _chain_id(world.l2, options.rpc_url, "--rpc")) != rollup["l2_chain_id"]:
        raise OpenLedgerError(f"{options.rpc_url} serves chain {found}", f"{REMEDY}--rpc")
    if (found := await _chain_id(world.l1, options.l1_url, "--l1")) != rollup["l1_chain_id"]:
        expected = f"the L2 lives on chain {rollup['l1_chain_id']}"
        raise OpenLedgerError(f"{options.l1_url} serves chain {found}, {expected}", f"{REMEDY}--l1")
    try:
        served = await world.gateway.get("/api/status")
    except (UnreachableError, GatewayError, ValueError):
        raise OpenLedgerError(f"no gateway answers at {options.gateway_url}", f"{REMEDY}--gateway") from None
    if served["chainId"] != rollup["l2_chain_id"]:
        raise OpenLedgerError(f"the gateway serves chain {served['chainId']}", f"{REMEDY}--gateway")


async def _rollup_config(world: World) -> dict[str, int]:
    url = world.options.rpc_url
    try:
        config: dict[str, int] = await world.l2.rpc.call("optimism_rollupConfig")
    except UnreachableError:
        raise OpenLedgerError(f"no node answers at {url}", f"{REMEDY}--rpc") from None
    except RemoteError:
        raise OpenLedgerError(f"{url} is not an OpenLedger L2", f"{REMEDY}--rpc") from None
    return config


async def _chain_id(ethereum: Ethereum, url: str, flag: str) -> int:
    try:
        return await ethereum.chain_id()
    except (UnreachableError, RemoteError):
        raise OpenLedgerError(f"no node answers at {url}", f"{REMEDY}{flag}") from None
