"""Models that runs made, by command: compared with their base, trained again to be sure, published."""

from typing import Any

from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session
from openledger_node.cli.economy.values import Amount
from openledger_node.cli.factory.values import artifact_of, holdout_of
from openledger_node.errors import UserError


async def evaluate(manifest: str, *, holdout: str = "", options: Flat = DEFAULTS) -> None:
    """Compare a fine-tuned model, or an encoder, with its base on held-out records; MANIFEST or a run."""
    from openledger_node.factory.publishing import evaluation_kind

    async with session(options) as opened:
        found = await _manifest(opened, manifest)
        request = {"manifest": found, "holdout": await holdout_of(opened, holdout)}
        kind = await evaluation_kind(opened.gateway, request["manifest"])
        opened.show(await opened.gateway.job(kind, request))


async def verify(manifest: str, *, options: Flat = DEFAULTS) -> None:
    """Train again from a manifest, or a run's, and tell whether the bytes are equal or how far off."""
    async with session(options) as opened:
        opened.show(await opened.gateway.job("verify", {"manifest": await _manifest(opened, manifest)}))


async def publish(
    run: str,
    *,
    input_price: Amount,
    output_price: Amount,
    parent: int | None = None,
    stake: bool = False,
    wait: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Register a finished run's model, set its price and commit its feature index, in one step.

    Parameters
    ----------
    run
        The run's id.
    input_price
        What 1,000 input tokens cost.
    output_price
        What 1,000 output tokens cost.
    parent
        The base's model id; found by its hash unless given, 0 for none.
    stake
        Stake what the signer's provider stake is short of: it answers for the index.
    wait
        Return only when the index may be used.
    """
    from openledger_node.cli.economy.draws import draws_of
    from openledger_node.cli.economy.indexing import ensure_stake
    from openledger_node.client.datasets import dataset_version
    from openledger_node.factory.publication import registration, sale
    from openledger_node.factory.publishing import parent_of, sources_of, wait_until_usable
    from workers.protocol import FeatureIndexRequest, FeatureIndexResult
    from workers.protocol.codec import from_json, to_json

    async with session(options) as opened:
        found = await opened.gateway.get(f"/api/factory/runs/{run}")
        if found["state"] != "done":
            raise UserError(f"run {run[:8]} is {found['state']}", "only a finished run can be published")
        result, request = found["result"], found["request"]
        known = parent if parent is not None else await parent_of(opened.reader, request.get("base", ""))
        await ensure_stake(opened, 0, adds=stake)
        versions = [await dataset_version(opened.reader, *each) for each in sources_of(request)]
        wanted = FeatureIndexRequest(result["manifest"], draws=await draws_of(opened, versions))
        index = from_json(FeatureIndexResult, await opened.gateway.job("feature_index", to_json(wanted)))
        call = registration(
            model=result["model"], manifest=result["manifest"], parent=known, sources=sources_of(request)
        )
        shown = await opened.write(call.contract, call.method, *call.arguments)
        for call in sale(int(shown["modelId"]), input_price, output_price, index):
            shown = {**await opened.write(call.contract, call.method, *call.arguments), **shown}
        if wait:
            await wait_until_usable(opened.l2, int(shown["usableAt"]))
        opened.show({**shown, "model": result["model"], "manifest": result["manifest"], "index": index.index})


async def _manifest(opened: Session, name: str) -> Any:
    """A manifest's hash, from itself or from the run that made it."""
    from openledger_node.client.gateway import GatewayError

    found = artifact_of(name)
    try:
        run = await opened.gateway.get(f"/api/factory/runs/{found}")
    except GatewayError:
        return found
    if run["state"] != "done":
        raise UserError(f"run {found[:8]} is {run['state']}", "only a finished run has a manifest")
    return run["result"]["manifest"]
