"""The package's constants are the declarations that run, and real clients read them."""

import json
import shutil
import subprocess

import pytest

from genesis.addresses import ATTRIBUTION
from precompiles.abis import CLIENT_NAMES
from tests.precompiles.calls import method
from tests.precompiles.package import FOLDER, files

SCRIPT = """
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
const viem = await import(pathToFileURL(createRequire(process.argv[1] + '/').resolve('viem')))
const library = await import(pathToFileURL(process.argv[2]))
const { addresses, ...abis } = library
const counts = Object.fromEntries(Object.entries(abis).map(([name, abi]) => [name, abi.length]))
const data = viem.encodeFunctionData({ abi: abis.attribution, functionName: 'finalize', args: [7n] })
process.stdout.write(JSON.stringify({ addresses, counts, data }))
"""


@pytest.mark.parametrize("name", list(files()))
def test_the_files_are_what_the_generator_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == files()[name], "run: python -m tests.precompiles.package"


def test_every_file_of_the_package_is_there() -> None:
    listed = json.loads((FOLDER / "package.json").read_text())["files"]
    assert all((FOLDER / name).exists() for name in listed)


@pytest.mark.npm
def test_viem_encodes_with_the_constants() -> None:
    if shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    packages = FOLDER.parents[1] / "tests" / "clients" / "node_modules"
    command = ["node", "--input-type=module", "-e", SCRIPT, str(packages), str(FOLDER / "abi.js")]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    seen = json.loads(finished.stdout)
    assert seen["addresses"] == {name: f"0x{address.hex()}" for name, address in CLIENT_NAMES.items()}
    assert min(seen["counts"].values()) > 5
    finalize = method(ATTRIBUTION, "finalize").selector
    assert seen["data"] == f"0x{finalize.hex()}{7:064x}"
