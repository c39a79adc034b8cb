"""The commands: parse, hand over, turn errors into one line and an exit code. No logic lives here.

Exit codes: 0 done, 1 failed, 2 bad usage.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter
from cyclopts.config import Env, Toml
from pydantic import ValidationError

from openledger_node import __version__
from openledger_node.config.model import LEAST_STATES, DevConfig, EthereumConfig, NodeConfig, RunConfig
from openledger_node.errors import OpenLedgerError
from openledger_node.logs import configure
from openledger_node.node.preflight import assert_cpython, assert_supported_python, raise_file_limit

EXIT_FAILED = 1
EXIT_USAGE = 2

INTERPRETER_TURN_S = 0.001
"""How long the block under construction keeps the interpreter from the event loop, which asks for it again
after every system call: with Python's 5 ms an answer waited for tens of them while blocks were full."""

Flat = Parameter(name="*")
ENVIRONMENT = Env("OPENLEDGER_", command=False)
NODE_SETTINGS = (ENVIRONMENT, Toml("openledger.toml", must_exist=False, use_commands_as_keys=False))
"""Where a node's settings come from besides its flags; a key that is no setting is refused."""


def _enough_states(_kind: Any, value: int) -> None:
    if value < LEAST_STATES:
        raise ValueError(f"keep at least {LEAST_STATES}")


app = App(
    name="openledger-node",
    help="An EVM layer 2 node that pays the people behind the data of every AI inference.",
    version=__version__,
    config=[ENVIRONMENT],
    suppress_keyboard_interrupt=False,  # `cli.main` knows which exit code it means
)

for group, summary in {
    "account": "Keys, balances, payments.",
    "stake": "Stake on the L2 (AI work) or the L1 (output roots).",
    "datanet": "Datanets: create, contribute, review, publish, sell usage.",
    "model": "Models: train, register, price, index, hand on.",
    "infer": "Buy and sell inference: channels, requests, providers.",
    "attribution": "Who earned what from which answers, and how it is paid.",
    "agent": "Agents: register, describe, give a wallet with limits.",
    "token": "Tokens that share the revenue of a model, Datanet or agent, and their trade.",
    "bridge": "Bring OPEN and other tokens to the L2 and back to the L1.",
    "governance": "Votes, proposals, policy, grants.",
}.items():
    app.command(f"openledger_node.cli.economy.{group}:app", name=group, help=summary)


@app.command(config=NODE_SETTINGS)
def dev(*, config: Annotated[DevConfig, Flat] = DevConfig()) -> None:  # noqa: B008 - frozen
    """Start a whole network on this machine: L1, contracts, sequencer, bridge, verifier, worker, gateway."""
    from openledger_node.node.dev import run_dev

    configure(config.log.level, config.log.format)
    _serve(run_dev(config))


@app.command(config=NODE_SETTINGS)
def run(*, config: Annotated[RunConfig, Flat] = RunConfig()) -> None:  # noqa: B008 - frozen
    """Start one node of a network in the given roles."""
    from openledger_node.node.run import run_node

    configure(config.log.level, config.log.format)
    _serve(run_node(config))


@app.command(config=NODE_SETTINGS)
def ethereum(*, config: Annotated[EthereumConfig, Flat] = EthereumConfig()) -> None:  # noqa: B008 - frozen
    """Run the engine in plain-Ethereum mode; `--dev` is the L1 that `openledger-node dev` embeds."""
    from openledger_node.node.ethereum import run_ethereum

    configure(config.log.level, config.log.format)
    _serve(run_ethereum(config))


@app.command
def demo(
    *,
    rpc: str = "http://127.0.0.1:8545",
    l1: str = "http://127.0.0.1:7545",
    gateway: str = "http://127.0.0.1:8000",
    dishonest_provider: bool = False,
    text: bool = False,
    base: Literal["small", "tiny"] = "small",
    seed: int = 1,
    json: bool = False,
) -> None:
    """Walk the whole loop on real data against a running `dev` node and show who was paid what, and why.

    Parameters
    ----------
    dishonest_provider
        The provider posts one false score; the validator must catch it.
    text
        A language model fine-tuned on five people's text, its answers bought with OpenAI's client.
    base
        With `--text`: which of the project's own bases; `small` is pre-trained once, in minutes.
    seed
        Decides which records are mislabelled or copied, and the false score; with `--text`, the first of the
        three seeds of fine-tuning.
    json
        Print one JSON object instead of progress and a table.
    """
    from openledger_node.demo.records import TEXT_ANSWERS
    from openledger_node.demo.run import DemoOptions, run_demo
    from openledger_node.demo.text.run import run_text_demo

    configure("warning", "console")
    if text:
        asked = DemoOptions(rpc, l1, gateway, seed=seed, as_json=json, inferences=TEXT_ANSWERS)
        _run(run_text_demo(asked, base))
        return
    options = DemoOptions(
        rpc_url=rpc, l1_url=l1, gateway_url=gateway, dishonest=dishonest_provider, seed=seed, as_json=json
    )
    _run(run_demo(options))


@app.command
def status(
    *,
    url: str = "http://127.0.0.1:8545",
    wait: bool = False,
    timeout: float = 60.0,
    json: bool = False,
) -> None:
    """Show heads and health of a running node on one screen; `--wait` until it is ready."""
    from openledger_node.cli.status import show_status

    _run(show_status(url, wait_s=timeout if wait else 0.0, as_json=json))


@app.command
def rpc(method: str, *parameters: str, url: str = "http://127.0.0.1:8545") -> None:
    """Call any JSON-RPC method; parameters are JSON, or plain text where they do not parse."""
    from openledger_node.cli.rpc import call

    _run(call(url, method, parameters))


app.command(
    "openledger_node.cli.factory:app", name="factory", help="Train, evaluate and publish models without code."
)
app.command(
    "openledger_node.cli.worker:worker", name="worker", help="A worker for AI jobs, or an OpenLoRA server."
)

config_app = App(name="config", help="The effective configuration.")
app.command(config_app)


@config_app.command(config=NODE_SETTINGS)
def dump(*, config: Annotated[NodeConfig, Flat] = NodeConfig()) -> None:  # noqa: B008 - frozen
    """Print the configuration that flags, environment and file add up to."""
    print(config.model_dump_json(indent=2))


db_app = App(name="db", help="The database of a node that is stopped.")
app.command(db_app)


@db_app.command
def check(*, datadir: Path, full: bool = False, sample: int = 1_000, json: bool = False) -> None:
    """Compare links, roots, indexes and state with each other; the exit code is 1 if anything is wrong.

    Parameters
    ----------
    datadir
        The node's data directory.
    full
        Look at every block and every node of the state instead of samples. All headers are looked at always.
    sample
        How many blocks and paths of the state to look at otherwise.
    json
        Print one JSON object for each step.
    """
    from openledger_node.cli import db

    if not db.check(datadir, sample=None if full else sample, as_json=json):
        sys.exit(EXIT_FAILED)


@db_app.command
def stats(*, datadir: Path, json: bool = False) -> None:
    """Show whose chain it is, its heads, which states it keeps, and what takes how much room."""
    from openledger_node.cli import db

    db.stats(datadir, as_json=json)


@db_app.command
def prune(*, datadir: Path, state_history: Annotated[int, Parameter(validator=_enough_states)]) -> None:
    """Delete older states for good, so that the node may run with `--state-history`.

    Parameters
    ----------
    datadir
        The node's data directory.
    state_history
        How many states behind the head to keep.
    """
    from openledger_node.cli import db

    db.prune(datadir, state_history)


@db_app.command
def compact(*, datadir: Path) -> None:
    """Give the room of deleted entries back to the disk."""
    from openledger_node.cli import db

    db.compact(datadir)


snapshot_app = App(name="snapshot", help="A chain as a folder of files, and a data directory out of one.")
app.command(snapshot_app)


@snapshot_app.command(name="create")
def snapshot_create(*, datadir: Path, out: Path, block: int | None = None) -> None:
    """Write a stopped node's blocks and the state after the last of them into a new folder.

    Parameters
    ----------
    datadir
        The node's data directory.
    out
        The folder to make.
    block
        A final block whose state is kept; the newest final one if not given.
    """
    from openledger_node.cli import snapshot

    snapshot.create(datadir, out, block)


@snapshot_app.command(name="restore")
def snapshot_restore(
    folder: Path,
    *,
    datadir: Path,
    block_hash: str | None = None,
    l1_url: Annotated[str | None, Parameter(name="--l1.url")] = None,
    rollup_config: Annotated[Path | None, Parameter(name="--rollup.config")] = None,
    state_history: Annotated[int, Parameter(validator=_enough_states)] = 128,
) -> None:
    """Make a data directory out of a snapshot, every byte of it checked.

    Parameters
    ----------
    folder
        The snapshot.
    datadir
        The new data directory.
    block_hash
        Hash of the snapshot's block, from somebody you trust.
    l1_url
        Without a hash: an L1 node whose output of that very block is compared.
    rollup_config
        Network file that names the L1 contracts.
    state_history
        How many states behind the head the node will keep.
    """
    from openledger_node.cli import snapshot

    _run(
        snapshot.restore(
            folder,
            datadir,
            block_hash=block_hash,
            l1_url=l1_url,
            rollup_config=rollup_config,
            state_history=state_history,
        )
    )


evm_app = App(name="evm", help="Run Ethereum's test fixtures on this engine, one JSON line per case.")
app.command(evm_app)


@evm_app.command
def statetest(file: Path, *more: Path, fork: str | None = None) -> None:
    """Run `state_test` fixtures; the exit code is 0 if every case passes, else 1.

    Parameters
    ----------
    file
        A fixture file, or a folder of them.
    more
        Further ones.
    fork
        Only the cases of this fork, as the fixtures name it.
    """
    from openledger_node.cli.evm import run_fixtures
    from openledger_node.evm.fixtures.state_tests import state_cases

    if not run_fixtures((file, *more), state_cases, fork):
        sys.exit(EXIT_FAILED)


@evm_app.command
def blocktest(file: Path, *more: Path, fork: str | None = None) -> None:
    """Run `blockchain_test` fixtures; the exit code is 0 if every case passes, else 1.

    Parameters
    ----------
    file
        A fixture file, or a folder of them.
    more
        Further ones.
    fork
        Only the cases of this network, as the fixtures name it.
    """
    from openledger_node.cli.evm import run_fixtures
    from openledger_node.evm.fixtures.block_tests import block_cases

    if not run_fixtures((file, *more), block_cases, fork):
        sys.exit(EXIT_FAILED)


rollup_app = App(name="rollup", help="Look into what a rollup posts on its L1.")
app.command(rollup_app)


@rollup_app.command(name="decode")
def decode_posted(
    file: Path,
    *,
    kind: Literal["tx", "data", "frame", "channel", "batch"],
    chain_id: int = 10,
    genesis_time: int = 1686789347,
    block_time: int = 2,
) -> None:
    """Print as JSON what a batcher posted: frames, channels, batches, epochs, transactions.

    Parameters
    ----------
    file
        Hex or binary, or either in xz; `-` reads the standard input.
    kind
        What is in it: a raw L1 transaction, its calldata (or one blob), frames without the version byte, a
        compressed channel, or one batch.
    chain_id
        The L2's, which span batches leave out. Like the next two, OP Mainnet's unless given.
    genesis_time
        Timestamp of the L2's genesis.
    block_time
        Seconds per L2 block.
    """
    from openledger_node.cli.rollup import decode_file

    decode_file(file, kind, chain_id=chain_id, genesis_time_s=genesis_time, block_time_s=block_time)


@rollup_app.command(name="disputes")
def show_disputes(
    *,
    l1_url: Annotated[str, Parameter(name="--l1.url")],
    rollup_config: Annotated[Path, Parameter(name="--rollup.config")],
    only_open: bool = False,
) -> None:
    """Print as JSON who challenged which output root, who defends it, and how far each line is.

    Parameters
    ----------
    l1_url
        The L1's node.
    rollup_config
        Network file that names the L1 contracts.
    only_open
        Leave out what is decided.
    """
    from openledger_node.cli import disputes

    _run(disputes.show_disputes(l1_url, rollup_config, only_open=only_open))


def replace_process(command: list[str]) -> None:
    """Become another program, which then owns terminal, signals and exit code."""
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and module


def _run(work: Coroutine[Any, Any, object]) -> None:
    """Run something that ends by itself; an interrupt cancels it, so that it can tidy up."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _serve(work)


def _serve(service: Coroutine[Any, Any, object]) -> None:
    """Run a node, which handles signals itself from its first step on."""
    import uvloop

    from openledger_node.node.collector import calm_collector

    raise_file_limit()
    sys.setswitchinterval(INTERPRETER_TURN_S)
    calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(service)


def run_command() -> None:
    """Parse the command line and run what it asks for; exits with a code and one line when that fails."""
    try:
        assert_cpython()
        assert_supported_python()
        app(sys.argv[1:], print_error=False, exit_on_error=False)
    except CycloptsError as error:
        print(f"error: {_one_line(error)} (see openledger-node --help)", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except OpenLedgerError as error:
        _fail(error)
    except BrokenPipeError:
        # The reader has gone, as `head` does; nothing may be written any more, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except BaseExceptionGroup as group:
        known = group.subgroup(OpenLedgerError)
        if known is None or group.split(OpenLedgerError)[1] is not None:
            raise
        _fail(_first(known))


def _fail(error: BaseException) -> NoReturn:
    code = error.code if isinstance(error, OpenLedgerError) else OpenLedgerError.code
    print(f"error: {error} [{code}, docs/errors.md]", file=sys.stderr)
    sys.exit(EXIT_FAILED)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _one_line(error: CycloptsError) -> str:
    """What is wrong with the command line; values that a section refuses are named by their flags."""
    invalid = error.__cause__
    if not isinstance(invalid, ValidationError):
        return " ".join(str(error).split())
    return "; ".join(
        f"{_flag(each['loc'])}: {each['msg'].removeprefix('Value error, ')}, not {each['input']!r}"
        for each in invalid.errors()
    )


def _flag(place: tuple[int | str, ...]) -> str:
    return "--" + ".".join(part for part in place if isinstance(part, str)).replace("_", "-")
