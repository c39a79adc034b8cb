"""Which methods there are: the one table, joined from its parts."""

from openledger_node.rpc.block_methods import BlockMethods
from openledger_node.rpc.call_methods import CallMethods
from openledger_node.rpc.config_methods import ConfigMethods
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.debug_methods import DebugMethods
from openledger_node.rpc.dev_methods import DevMethods
from openledger_node.rpc.economy_methods import EconomyMethods
from openledger_node.rpc.fee_methods import FeeMethods
from openledger_node.rpc.log_methods import LogMethods
from openledger_node.rpc.market_methods import MarketMethods
from openledger_node.rpc.node_methods import NodeMethods, modules
from openledger_node.rpc.openrpc import document
from openledger_node.rpc.otterscan_methods import OtterscanMethods
from openledger_node.rpc.pool_methods import PoolMethods
from openledger_node.rpc.record_methods import RecordMethods
from openledger_node.rpc.rollup_methods import RollupMethods
from openledger_node.rpc.signing_methods import SigningMethods
from openledger_node.rpc.simulate_methods import SimulateMethods
from openledger_node.rpc.state_methods import StateMethods
from openledger_node.rpc.table import Method, Table, quick
from openledger_node.rpc.testing_methods import TestingMethods


def build_methods(context: RpcContext) -> Table:
    """Every method the node answers; what the context lacks (rollup, economy, dev) is simply not there."""
    calls, fees = CallMethods(context), FeeMethods(context)
    parts = [
        NodeMethods(context).table(),
        ConfigMethods(context).table(),
        BlockMethods(context).table(),
        StateMethods(context).table(),
        calls.table(),
        SimulateMethods(context).table(),
        fees.table(),
        LogMethods(context).table(),
        PoolMethods(context).table(),
        SigningMethods(context, calls, fees).table(),
        DebugMethods(context, calls).table(),
        OtterscanMethods(context).table(),
    ]
    if context.chain.spec.is_rollup:
        parts += [EconomyMethods(context).table(), MarketMethods(context).table()]
    if context.rollup is not None:
        parts.append(RollupMethods(context, context.rollup).table())
    if context.economy is not None:
        parts.append(RecordMethods(context.economy).table())
    if context.dev is not None:
        parts.append(DevMethods(context, context.dev, fees).table())
    if context.testing:
        parts.append(TestingMethods(context).table())
    table: dict[str, Method] = {name: method for part in parts for name, method in part.items()}
    names = modules([*table, "rpc_modules"])
    table |= {"rpc_modules": quick(lambda: names)}
    described = document(table)
    return table | {"rpc.discover": quick(lambda: described)}
