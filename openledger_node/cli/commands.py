"""All commands by name, those of nodes themselves, and how an error becomes one line and an exit code.

No logic lives here, and what a command runs is imported when it runs.
"""

import os
import sys
from typing import Annotated, Literal, NoReturn

from cyclopts import App, ArgumentCollection, CycloptsError, Parameter
from cyclopts.config import Env, Toml
from pydantic import ValidationError

from openledger_node import __version__
from openledger_node.cli.numbers import whole_numbers
from openledger_node.cli.process import EXIT_FAILED, EXIT_USAGE, run_to_end, serve
from openledger_node.config.model import DevConfig, EthereumConfig, NodeConfig, RunConfig
from openledger_node.errors import OpenLedgerError, UserError
from openledger_node.logs import configure
from openledger_node.node.preflight import assert_cpython, assert_supported_python
from workers.errors import WorkerError

Flat = Parameter(name="*")


class SettingVariables(Env):
    """Variables that name one setting each, never a section.

    `OPENLEDGER_GATEWAY` and `OPENLEDGER_L1` are URLs for commands; a shell that has them may start a node,
    whose settings have sections of these names.
    """

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        settings = ArgumentCollection(one for one in arguments if not one.children)  # type: ignore[no-untyped-call]  # a list
        super().__call__(app, commands, settings)


ENVIRONMENT = SettingVariables("OPENLEDGER_", command=False)
NODE_SETTINGS = (ENVIRONMENT, Toml("openledger.toml", must_exist=False, use_commands_as_keys=False))
"""Where a node's settings come from besides its flags; a key that is no setting is refused."""


app = App(
    name="openledger-node",
    help="An EVM layer 2 node that pays the people behind the data of every AI inference.",
    version=__version__,
    config=[ENVIRONMENT],
    default_parameter=Parameter(converter=whole_numbers),
    suppress_keyboard_interrupt=False,  # `cli.main` knows which exit code it means
)

GROUPS = {
    "db": ("db", "Check, prune or measure the database of a stopped node."),
    "snapshot": ("snapshot", "Write a chain into a folder of files, and restore a data directory from one."),
    "rollup": ("rollup", "Look into what a rollup posts on its L1."),
    "evm": ("evm", "Run Ethereum's test fixtures on this engine, one JSON line per case."),
    "factory": ("factory.commands", "Train, evaluate and publish models without code."),
    "account": ("economy.account", "Keys, balances, payments."),
    "stake": ("economy.stake", "Stake on the L2 (AI work) or the L1 (output roots)."),
    "datanet": ("economy.datanet", "Datanets: create, contribute, review, publish, sell usage."),
    "model": ("economy.model", "Models: train, register, price, index, transfer."),
    "infer": ("economy.infer", "Buy and sell inference: channels, requests, providers."),
    "attribution": (
        "economy.attribution",
        "Who earned what from which answers: show, check, challenge, claim.",
    ),
    "agent": ("economy.agent", "Agents: register, describe, run, with a wallet that has limits."),
    "token": (
        "economy.token",
        "Tokens that share the revenue of a model, Datanet or agent: create, claim, trade.",
    ),
    "bridge": ("economy.bridge", "Bring OPEN and other tokens to the L2 and back to the L1."),
    "governance": ("economy.governance", "Votes, proposals, policy, grants."),
}
"""By name: the module below this package that has the group's commands, and what they are about."""

for name, (module, summary) in GROUPS.items():
    app.command(f"openledger_node.cli.{module}:app", name=name, help=summary)
app.command(
    "openledger_node.cli.worker:worker", name="worker", help="A worker for AI jobs, or an OpenLoRA server."
)


@app.command(config=NODE_SETTINGS)
def dev(*, config: Annotated[DevConfig, Flat] = DevConfig()) -> None:  # noqa: B008 - frozen
    """Start a whole network on this machine: L1, contracts, sequencer, bridge, verifier, worker, gateway."""
    from openledger_node.node.dev import run_dev

    configure(config.log.level, config.log.format)
    serve(run_dev(config))


@app.command(config=NODE_SETTINGS)
def run(*, config: Annotated[RunConfig, Flat] = RunConfig()) -> None:  # noqa: B008 - frozen
    """Start one node of a network in the given roles."""
    from openledger_node.node.run import run_node

    configure(config.log.level, config.log.format)
    serve(run_node(config))


@app.command(config=NODE_SETTINGS)
def ethereum(*, config: Annotated[EthereumConfig, Flat] = EthereumConfig()) -> None:  # noqa: B008 - frozen
    """Run the engine in plain-Ethereum mode; `--dev` is the L1 that `openledger-node dev` embeds."""
    from openledger_node.node.ethereum import run_ethereum

    configure(config.log.level, config.log.format)
    serve(run_ethereum(config))


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
        Another provider posts one false score; the validator must catch it.
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
        asked = DemoOptions(rpc, l1, gateway, dishonest_provider, seed, json, TEXT_ANSWERS)
        run_to_end(run_text_demo(asked, base))
        return
    options = DemoOptions(
        rpc_url=rpc, l1_url=l1, gateway_url=gateway, dishonest=dishonest_provider, seed=seed, as_json=json
    )
    run_to_end(run_demo(options))


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

    run_to_end(show_status(url, wait_s=timeout if wait else 0.0, as_json=json))


@app.command
def rpc(method: str, *parameters: str, url: str = "http://127.0.0.1:8545") -> None:
    """Call any JSON-RPC method; parameters are JSON, or plain text where they do not parse."""
    from openledger_node.cli.rpc import call

    run_to_end(call(url, method, parameters))


config_app = App(name="config", help="The effective configuration.")
app.command(config_app)


@config_app.command(config=NODE_SETTINGS)
def dump(*, config: Annotated[NodeConfig, Flat] = NodeConfig()) -> None:  # noqa: B008 - frozen
    """Print the configuration that flags, environment and file add up to."""
    print(config.model_dump_json(indent=2))


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
    except WorkerError as error:
        _fail(UserError(str(error)))
    except BrokenPipeError:
        # The reader has gone, as `head` does; nothing may be written any more, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_FAILED)
    except OSError as error:
        if error.filename is None:
            raise
        _fail(UserError(f"cannot use {error.filename} ({error.strerror})", "name another path"))
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
