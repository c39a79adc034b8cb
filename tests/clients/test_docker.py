"""The image and the compose file: read by a linter and a parser, their commands by our command line.

Not covered: building and running them, for which there is no Docker on the machines that run the tests.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclopts import CycloptsError

from openledger_node.cli.commands import app
from openledger_node.config.model import DevConfig, RunConfig
from openledger_node.node.dev_network import GENESIS_FILE, ROLLUP_FILE
from tests.clients.programs import require_npm, run_script

pytestmark = pytest.mark.npm

REPOSITORY = Path(__file__).parents[2]
DOCKER = REPOSITORY / "docker"
OURS = "openledger-node"


@pytest.fixture(scope="module")
def found() -> Any:
    require_npm()
    files = {"dockerfile": str(DOCKER / "Dockerfile"), "compose": str(DOCKER / "compose.yaml")}
    return run_script("docker", files)


@pytest.fixture(scope="module")
def instructions(found: Any) -> dict[str, list[list[str]]]:
    """The arguments of every instruction, by keyword."""
    kinds: dict[str, list[list[str]]] = {}
    for keyword, arguments in found["instructions"]:
        kinds.setdefault(keyword, []).append(arguments)
    return kinds


@pytest.fixture(scope="module")
def services(found: Any) -> Any:
    return found["compose"]["services"]


def settings(command: list[str]) -> Any:
    """What our command line makes of a command; fails for one it does not know."""
    try:
        _function, bound, _ignored = app.parse_args(command, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        pytest.fail(f"{command}: {error}")
    bound.apply_defaults()
    return bound.arguments.get("config")


def test_nothing_is_wrong_with_either_file(found: Any) -> None:
    assert found["problems"] == []
    assert found["errors"] == []


def test_what_is_copied_is_there_and_not_ignored(instructions: dict[str, list[list[str]]]) -> None:
    allowed = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [source for arguments in instructions["COPY"] for source in arguments[:-1]]
    for source in copied:
        if not source.startswith(("--from", "/")):
            assert (REPOSITORY / source).exists(), source
            assert f"!{source}" in allowed


def test_every_package_of_the_wheel_is_in_the_image(instructions: dict[str, list[list[str]]]) -> None:
    copied = {source for arguments in instructions["COPY"] for source in arguments[:-1]}
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= copied


def test_the_image_runs_a_command_of_ours(instructions: dict[str, list[list[str]]]) -> None:
    [entry], [command] = instructions["ENTRYPOINT"], instructions["CMD"]
    assert json.loads(" ".join(entry)) == [OURS]
    assert isinstance(settings(json.loads(" ".join(command))), DevConfig)
    [check] = instructions["HEALTHCHECK"]
    words = json.loads(" ".join(check[check.index("CMD") + 1 :]))
    assert words[0] == OURS
    settings(words[1:])


def test_variables_of_the_image_are_settings(
    instructions: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    named = dict(item.split("=", 1) for arguments in instructions["ENV"] for item in arguments)
    ours = {name: value for name, value in named.items() if name.startswith("OPENLEDGER_")}
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    config = settings(["dev"])
    assert (config.datadir, config.http.host, config.gateway.host, config.metrics.host) == (
        Path("/data"),
        *("0.0.0.0",) * 3,
    )
    assert len(ours) == 4


def test_exposed_ports_are_those_the_node_listens_on(instructions: dict[str, list[list[str]]]) -> None:
    defaults = DevConfig()
    sections = (defaults.http, defaults.ws, defaults.gateway, defaults.metrics, defaults.l1)
    [exposed] = instructions["EXPOSE"]
    assert exposed == [str(section.port) for section in sections]


def test_services_run_commands_of_ours(services: Any) -> None:
    ours = {name: service for name, service in services.items() if service["image"] == OURS}
    assert set(ours) == {"network", "verifier"}
    for service in ours.values():
        assert settings(service["command"]).datadir == Path("/data")
        assert any(volume.split(":")[1] == "/data" for volume in service["volumes"])
        assert (DOCKER / service["build"]["context"]).resolve() == REPOSITORY
        assert (REPOSITORY / service["build"]["dockerfile"]).is_file()
    checked = services["verifier"]["healthcheck"]["test"]
    assert checked[:2] == ["CMD", OURS]
    settings(checked[2:])


def test_the_verifier_finds_its_network(services: Any) -> None:
    verifier: RunConfig = settings(services["verifier"]["command"])
    assert verifier.role == ("verifier",)
    assert (verifier.rollup.config, verifier.rollup.genesis) == (
        Path("/network") / ROLLUP_FILE,
        Path("/network") / GENESIS_FILE,
    )
    assert verifier.l1.url == f"http://127.0.0.1:{DevConfig().l1.port}"
    assert services["verifier"]["network_mode"] == "service:network"
    own = {f"127.0.0.1:{port}:{port}" for port in (verifier.http.port, verifier.metrics.port)}
    assert own <= set(services["network"]["ports"])


def test_everything_stays_on_the_host_and_is_declared(found: Any, services: Any) -> None:
    used = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    assert used == set(found["compose"]["volumes"])
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
