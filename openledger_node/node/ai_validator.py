"""A validator of AI work, wired: it reads another node's JSON-RPC and published artefacts."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from openledger_node.client.account import Account
from openledger_node.client.rpc import HttpRpc
from openledger_node.config.model import RunConfig
from openledger_node.errors import StartError
from openledger_node.metrics.registry import NodeMetrics
from openledger_node.node.disk import DiskGuard
from openledger_node.node.keys import read_key
from openledger_node.node.lifecycle import Supervisor
from openledger_node.node.preflight import node_directory
from openledger_node.node.rollup_faces import start_metrics
from openledger_node.node.worker_pool import ARTIFACTS_FOLDER, open_checkers
from openledger_node.validator.features import FeatureChecks
from openledger_node.validator.service import Validator, ValidatorOptions


async def run_ai_validator(config: RunConfig, supervisor: Supervisor) -> None:
    """A validator of AI work alone: JSON-RPC and published artefacts are all it has."""
    if config.l2.url is None and config.l2.artifacts is None:
        raise StartError(
            "a validator reads an L1 or another node",
            "give --l1.url for output roots, or --l2.url and --l2.artifacts for AI work alone",
        )
    with node_directory(config.datadir) as directory:
        guard = DiskGuard(directory, config.min_free_disk)
        guard.assert_room()
        metrics = NodeMetrics("validator")
        async with ai_checks(config, supervisor, directory, metrics):
            server = await start_metrics(config.metrics, metrics, {"disk": guard.problem})
            supervisor.start("disk guard", guard)
            try:
                await supervisor.run_until_stopped()
            finally:
                await server.stop()


@contextlib.asynccontextmanager
async def ai_checks(
    config: RunConfig, supervisor: Supervisor, directory: Path, metrics: NodeMetrics
) -> AsyncIterator[None]:
    """Checks of AI work, started; the node they read takes their transactions, too, so it is the sequencer or
    one that passes them on."""
    if config.l2.url is None or config.l2.artifacts is None:
        raise StartError("AI work is checked by another node's records", "give --l2.url and --l2.artifacts")
    account = Account(read_key(config.keys.validator, "--keys.validator"))
    async with HttpRpc(config.l2.url) as rpc:
        artifacts_url = config.l2.artifacts
        options = ValidatorOptions((artifacts_url,), directory / ARTIFACTS_FOLDER)
        features = FeatureChecks(lambda: open_checkers(directory, artifacts_url))
        validator = Validator(rpc, account, options, features)
        for name, help_text, read in validator.figures():
            metrics.watch(name, help_text, read)
        supervisor.start("validator", validator)
        supervisor.start("feature checks", features)
        yield
