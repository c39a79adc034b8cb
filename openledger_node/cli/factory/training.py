"""Training runs, by command: chosen, planned, started, watched, stopped."""

import sys
from typing import Any

from openledger_node.cli.economy.session import DEFAULTS, Flat, Session, session
from openledger_node.cli.factory.values import Repeated, datanet_of, holdout_of
from openledger_node.errors import OpenLedgerError


async def recipes(*, options: Flat = DEFAULTS) -> None:
    """List recipe presets with their settings, and the rules for cleaning data."""
    async with session(options) as opened:
        opened.show(await opened.gateway.get("/api/factory/recipes"))


async def plan(
    name: str,
    *,
    datanet: list[str],
    base: str = "",
    preset: str = "standard",
    set: Repeated = None,  # noqa: A002 - the flag's name
    holdout: str = "",
    options: Flat = DEFAULTS,
) -> None:
    """Show what `train` with these parameters would take and cost, and whether it is allowed."""
    async with session(options) as opened:
        body = await _wish(opened, name, datanet, base=base, preset=preset, settings=set, holdout=holdout)
        opened.show(await opened.gateway.post("/api/factory/plans", body))


async def train(
    *,
    name: str,
    datanet: list[str],
    base: str = "",
    preset: str = "standard",
    set: Repeated = None,  # noqa: A002 - the flag's name
    holdout: str = "",
    threads: int | None = None,
    detach: bool = False,
    options: Flat = DEFAULTS,
) -> None:
    """Train on Datanets: a language model or an encoder on text, a small classifier on tables and pictures.

    Parameters
    ----------
    name
        What the model is called.
    datanet
        DATANET or DATANET:VERSION (the newest unless given). May be given again.
    base
        For text: a base's hash, or the id of a registered one.
    preset
        quick, standard, thorough, preference; for an encoder embedding, embedding-full (`factory recipes`).
    set
        One setting of the recipe, as NAME=VALUE (method=full, rank=16, targets=q_proj,v_proj). May be given
        again.
    holdout
        Records to measure on: a file, or sha256:<hash>. One record in ten is kept from training without it.
    threads
        Of the worker's CPU that train text, one unless given. The bits depend on their number, so the
        manifest records it and `verify` uses the same.
    detach
        Return at once; `factory show` follows the run.
    """
    settings = [*(set or []), *([] if threads is None else [f"threads={threads}"])]
    async with session(options) as opened:
        body = await _wish(
            opened, name, datanet, base=base, preset=preset, settings=settings, holdout=holdout
        )
        run = await opened.gateway.post("/api/factory/runs", body)
        _show_run(opened, run if detach else await _finished(opened, run["id"]))


async def runs(*, options: Flat = DEFAULTS) -> None:
    """List the newest training runs."""
    async with session(options) as opened:
        found = (await opened.gateway.get("/api/factory/runs"))["runs"]
        opened.show({"runs": [{key: run[key] for key in ("id", "kind", "state", "error")} for run in found]})


async def show(run: str, *, wait: bool = False, options: Flat = DEFAULTS) -> None:
    """Show a run: state, progress, time left, loss curve, result; `--wait` until it is finished."""
    async with session(options) as opened:
        path = f"/api/factory/runs/{run}"
        _show_run(opened, await _finished(opened, run) if wait else await opened.gateway.get(path))


async def cancel(run: str, *, options: Flat = DEFAULTS) -> None:
    """Stop a run. Started again, it continues from its checkpoint."""
    async with session(options) as opened:
        opened.show(await opened.gateway.post(f"/api/jobs/{run}/cancel", {}))


def _show_run(opened: Session, run: dict[str, Any]) -> None:
    """Points as they are for programs, as lines of bars for people."""
    from openledger_node.factory.curve import with_curves

    is_read = not (opened.options.json or opened.options.field)
    opened.show(with_curves(run) if is_read else run)


async def _finished(opened: Session, run: str) -> dict[str, Any]:
    """Follow a run on standard error until it is finished; raises OpenLedgerError when it failed."""
    from openledger_node.factory.following import follow

    found = await follow(opened.gateway, run, lambda text: print(text, file=sys.stderr, flush=True))
    if found["state"] != "done":
        raise OpenLedgerError(f"run {run[:8]} {found['state']}: {found['error']}", "see factory show")
    return {"id": run, **found["result"], "losses": found["losses"]}


async def _wish(opened: Session, name: str, datanets: list[str], **chosen: Any) -> dict[str, Any]:
    from openledger_node.factory.settings import setting

    named = [datanet_of(text) for text in datanets]
    is_signed = opened.options.account is not None or opened.options.keystore is not None
    return {
        "name": name,
        "base": chosen["base"],
        "datanets": [{"id": number, "version": version} for number, version in named],
        "preset": chosen["preset"],
        "settings": dict(setting(text) for text in chosen["settings"] or []),
        "holdout": await holdout_of(opened, chosen["holdout"]),
        "account": f"0x{(await opened.sender()).address.hex()}" if is_signed else "",
    }
