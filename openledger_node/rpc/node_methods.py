"""Who is answering: `web3_*`, `net_*`, `rpc_modules` and what `eth_*` says of the node itself."""

from genesis.keccak import keccak256
from openledger_node.rpc import parse
from openledger_node.rpc.context import RpcContext
from openledger_node.rpc.encode import Json, data, quantity
from openledger_node.rpc.parse import MAXIMUM_UINT64
from openledger_node.rpc.table import Table, quick


class NodeMethods:
    def __init__(self, context: RpcContext) -> None:
        self._context = context

    def table(self) -> Table:
        return {
            "web3_clientVersion": quick(lambda: self._context.client_version),
            "web3_sha3": quick(lambda value: data(keccak256(value)), parse.data),
            "net_version": quick(lambda: str(self._context.chain.spec.chain_id)),
            "net_listening": quick(lambda: True),
            "net_peerCount": quick(lambda: "0x0"),
            "eth_chainId": quick(lambda: quantity(self._context.chain.spec.chain_id)),
            "eth_blockNumber": quick(lambda: quantity(self._context.chain.heads.unsafe.number)),
            "eth_syncing": quick(lambda: False),
            "eth_mining": quick(lambda: False),
            "eth_hashrate": quick(lambda: "0x0"),
            "eth_coinbase": quick(lambda: data(self._context.chain.head.header.coinbase)),
            "eth_accounts": quick(lambda: [data(item) for item in self._context.accounts.addresses()]),
            "eth_capabilities": quick(self._capabilities),
        }

    def _capabilities(self) -> Json:
        """Everything is served from genesis on, but state where it is pruned: such a window moves."""
        chain = self._context.chain
        head = chain.heads.unsafe
        forever = _window(0, MAXIMUM_UINT64)
        states = forever if chain.kept_states is None else _window(chain.oldest_state, chain.kept_states)
        windows = dict.fromkeys(("tx", "logs", "receipts", "blocks"), forever)
        return {
            "head": {"number": quantity(head.number), "hash": data(head.hash)},
            **windows,
            **dict.fromkeys(("state", "stateproofs"), states),
        }


def _window(oldest: int, blocks: int) -> Json:
    strategy = {"type": "window", "retentionBlocks": quantity(blocks)}
    return {"disabled": False, "oldestBlock": quantity(oldest), "deleteStrategy": strategy}


def modules(names: list[str]) -> dict[str, str]:
    """`rpc_modules`: every namespace that has a method here."""
    return dict.fromkeys(sorted({item.split("_")[0] for item in names if "_" in item}), "1.0")
