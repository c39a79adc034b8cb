"""Whether the network came out whole: one chain on every node and out of the L1 alone, and no money made.

Covered: every block of every node against a fresh node's; outputs on the L1 against the fresh node's; at each
L1 origin's last L2 block what the vault took in against what the L2 holds; payments against the message
passer; nodes that ended by themselves or met an uncaught error.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from benchmarks.soak.faults import origin_of
from benchmarks.soak.processes import Cluster, Node
from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from openledger_node.client.bridge import l1_contract
from openledger_node.client.ethereum import from_hex, hex_bytes

log = structlog.get_logger(__name__)

POLL_S = 0.5


@dataclass
class Verdict:
    """`wrong` says in words what is not as it should be; empty when all is well."""

    height: int = 0
    block_hash: str = ""
    state_root: str = ""
    derived_s: float = 0.0
    outputs: int = 0
    origins: int = 0
    locked_wei: int = 0
    wrong: list[str] = field(default_factory=list)


async def judge(cluster: Cluster, patience_s: float) -> Verdict:
    """Wait until all that there is now is safe everywhere, derive it again on a fresh node, compare.

    Raises TimeoutError when that does not come to pass; comparing may take as long as it takes.
    """
    verdict = Verdict(height=await cluster.nodes["sequencer"].height("latest"))
    await _until_safe([*cluster.nodes.values()], verdict.height, patience_s)
    begin_s = asyncio.get_running_loop().time()
    fresh = cluster.add("fresh", "--role", "verifier").start()
    try:
        await _until_safe([fresh], verdict.height, patience_s)
        verdict.derived_s = asyncio.get_running_loop().time() - begin_s
        log.info("derived again", blocks=verdict.height, took_s=round(verdict.derived_s, 1))
        await _compare_chains(cluster, fresh, verdict)
        await _compare_outputs(cluster, fresh, verdict)
        await _count_money(cluster, fresh, verdict)
    finally:
        fresh.stop()
        await fresh.rpc.close()
    for node in (*cluster.nodes.values(), fresh):
        verdict.wrong += [f"the {node.name} ended by itself with {code}" for code in node.died]
        if traces := node.traces():
            verdict.wrong.append(f"{traces} uncaught errors in {node.log}")
    return verdict


async def _until_safe(nodes: list[Node], height: int, patience_s: float) -> None:
    async with asyncio.timeout(patience_s):
        for node in nodes:
            while await node.height("safe") < height:
                await asyncio.sleep(POLL_S)


async def _compare_chains(cluster: Cluster, fresh: Node, verdict: Verdict) -> None:
    for number in range(verdict.height + 1):
        asked = [
            node.rpc.call("eth_getBlockByNumber", hex(number), False)
            for node in (fresh, *cluster.nodes.values())
        ]
        derived, *others = await asyncio.gather(*asked)
        for node, own in zip(cluster.nodes.values(), others, strict=True):
            if own != derived:
                verdict.wrong.append(f"the {node.name} has another block {number} than the L1 says")
                return
    verdict.block_hash, verdict.state_root = derived["hash"], derived["stateRoot"]


async def _compare_outputs(cluster: Cluster, fresh: Node, verdict: Verdict) -> None:
    oracle = l1_contract("OutputOracle", cluster.config.output_oracle)
    for index in range(await cluster.l1.read(oracle, "nextOutputIndex")):
        output = await cluster.l1.read(oracle, "getL2Output", index)
        if output["l2BlockNumber"] > verdict.height:
            break
        own = await fresh.rpc.call("optimism_outputAtBlock", hex(output["l2BlockNumber"]))
        if from_hex(own["outputRoot"]) != output["outputRoot"]:
            verdict.wrong.append(
                f"output {index} on the L1 is not that of L2 block {output['l2BlockNumber']}"
            )
        verdict.outputs += 1


async def _count_money(cluster: Cluster, fresh: Node, verdict: Verdict) -> None:
    vault = l1_contract("OpenVault", cluster.config.open_vault)
    passer = hex_bytes(L2_TO_L1_MESSAGE_PASSER)
    last_of_origin: dict[int, int] = {}
    for number in range(1, verdict.height + 1):
        block = await fresh.rpc.call("eth_getBlockByNumber", hex(number), True)
        last_of_origin[origin_of(block)[0]] = number
    last_of_origin.popitem()  # more blocks of it may follow
    for origin, number in last_of_origin.items():
        if origin < cluster.deployed_at:
            continue  # there was no vault yet
        locked, paid, supply, passed = await asyncio.gather(
            cluster.l1.read(vault, "accountedDeposits", block=origin),
            cluster.l1.read(vault, "payments", block=origin),
            fresh.rpc.call("openledger_supply", hex(number)),
            fresh.rpc.call("eth_getBalance", passer, hex(number)),
        )
        withdrawn = int(passed, 16)
        held = int(supply["total"], 16) + int(supply["burned"], 16)
        if held != locked:
            verdict.wrong.append(f"L2 block {number} holds {held} wei, the L1 locked {locked}")
        if paid > withdrawn:
            verdict.wrong.append(f"the L1 paid {paid} wei, {withdrawn} were withdrawn by L2 block {number}")
        verdict.origins += 1
        verdict.locked_wei = locked
