"""What a node refuses: one clear line that says what to do, and exit code 1."""

import shutil
from pathlib import Path

import pytest

from tests.integration.network import DevNode
from tests.integration.services import ENVIRONMENT, ethereum, free_port, refusal

NOBODY = "http://127.0.0.1:1"
PORTS = ("http", "ws", "gateway", "metrics", "verifier", "l1")


def any_ports(*names: str) -> list[str]:
    return [text for name in names for text in (f"--{name}.port", free_port())]


def verifier(node: DevNode, l1_url: str, datadir: Path, genesis: Path | None = None) -> list[str]:
    """The command line of a verifier of the node's network."""
    arguments = ["run", "--role", "verifier", "--datadir", str(datadir), "--l1.url", l1_url]
    arguments += ["--rollup.config", str(node.datadir / "rollup.json")]
    arguments += ["--rollup.genesis", str(genesis or node.datadir / "genesis.json")]
    return [*arguments, *any_ports("http", "metrics")]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> DevNode:
    """A development network with a past, not running now."""
    node = DevNode(tmp_path_factory.mktemp("stopped")).start()
    node.stop()
    return node


def test_an_l1_that_does_not_answer(dev_node: DevNode, tmp_path: Path) -> None:
    assert "check --l1.url" in refusal(*verifier(dev_node, NOBODY, tmp_path))
    assert "--l1.url" in refusal(
        "dev", "--l1.url", NOBODY, "--datadir", str(tmp_path / "dev"), *any_ports(*PORTS)
    )


def test_an_l1_of_another_chain(dev_node: DevNode, tmp_path: Path) -> None:
    line = refusal(*verifier(dev_node, dev_node.url("rpc"), tmp_path))
    assert "the L1 has chain id 31338, the rollup lives on 31337: correct --l1.url" in line


@pytest.mark.parametrize(
    ("role", "flag"), [("batcher", "batcher"), ("proposer", "proposer"), ("gateway", "provider")]
)
def test_a_role_without_its_key(dev_node: DevNode, tmp_path: Path, role: str, flag: str) -> None:
    arguments = verifier(dev_node, dev_node.url("l1"), tmp_path)
    arguments[arguments.index("verifier")] = f"sequencer,{role}"
    assert f"--keys.{flag}" in refusal(*arguments)


def test_an_l1_that_is_no_node(dev_node: DevNode, tmp_path: Path) -> None:
    assert "--l1.url" in refusal(*verifier(dev_node, dev_node.url("metrics"), tmp_path))


def test_a_data_directory_of_another_chain(dev_node: DevNode, stopped: DevNode) -> None:
    line = refusal(*verifier(dev_node, dev_node.url("l1"), stopped.datadir / "node"))
    assert "the data directory starts at genesis" in line
    assert "choose another --datadir" in line


def test_a_data_directory_in_use(dev_node: DevNode) -> None:
    line = refusal("dev", "--datadir", str(dev_node.datadir), *any_ports(*PORTS))
    assert f"{dev_node.datadir} is in use by another node" in line
    line = refusal(*verifier(dev_node, dev_node.url("l1"), dev_node.datadir / "node"))
    assert "in use by another process" in line


def test_files_of_two_networks(dev_node: DevNode, stopped: DevNode, tmp_path: Path) -> None:
    genesis = stopped.datadir / "genesis.json"
    line = refusal(*verifier(dev_node, dev_node.url("l1"), tmp_path, genesis))
    assert "give the two files of one network" in line


def test_a_development_network_on_another_l1(stopped: DevNode, tmp_path: Path) -> None:
    with ethereum(tmp_path / "l1") as url:
        line = refusal("dev", "--datadir", str(stopped.datadir), "--l1.url", url, *any_ports(*PORTS))
    assert "this data directory belongs to another L1" in line


def test_a_development_network_whose_l1_is_gone(stopped: DevNode, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stopped.datadir, copy)
    shutil.rmtree(copy / "l1")
    line = refusal("dev", "--datadir", str(copy), *any_ports(*PORTS))
    assert "this data directory belongs to another L1" in line


def test_a_damaged_rollup_file(stopped: DevNode, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(stopped.datadir, copy)
    (copy / "rollup.json").write_text('{"genesis": {}}')
    line = refusal("dev", "--datadir", str(copy), *any_ports(*PORTS))
    assert "genesis.system_config is missing" in line


def test_signatures_in_pure_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ENVIRONMENT, "ECC_BACKEND_CLASS", "eth_keys.backends.NativeECCBackend")
    assert "install coincurve" in refusal("dev", "--datadir", str(tmp_path), *any_ports(*PORTS))


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    line = refusal("dev", "--datadir", str(tmp_path / "file" / "dev"), *any_ports(*PORTS))
    assert "cannot be written" in line


@pytest.mark.slow
@pytest.mark.parametrize("name", PORTS)
def test_a_busy_port(dev_node: DevNode, tmp_path: Path, name: str) -> None:
    urls = {"http": "rpc", "ws": "rpc"}
    taken = dev_node.url(urls.get(name, name)).rsplit(":", 1)[1]
    others = [other for other in PORTS if other != name]
    line = refusal("dev", "--datadir", str(tmp_path), f"--{name}.port", taken, *any_ports(*others))
    assert f"port {taken}" in line
    assert f"--{name}.port" in line
