"""The npm lock files install what their package files ask for, on any platform."""

import json
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CLIENTS = REPOSITORY / "tests" / "clients"


def test_lock_names_every_optional_package() -> None:
    """`npm ci` refuses a lock without them; `npm install` drops those its registry does not have."""
    packages = json.loads((CLIENTS / "package-lock.json").read_text())["packages"]
    needed = {
        f"node_modules/{name}"
        for package in packages.values()
        for name in package.get("optionalDependencies", {})
    }
    assert needed
    assert needed <= packages.keys()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        (CLIENTS, "dependencies"),
        (REPOSITORY / "genesis" / "contracts" / "published", "dependencies"),
        (REPOSITORY / "web" / "sdk", "devDependencies"),
    ],
)
def test_lock_is_of_this_package_file(folder: Path, kind: str) -> None:
    asked = json.loads((folder / "package.json").read_text())[kind]
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert packages[""][kind] == asked
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
