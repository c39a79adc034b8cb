"""The npm lock file installs on any platform."""

import json
from pathlib import Path

CLIENTS = Path(__file__).parents[1] / "clients"


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


def test_lock_is_of_this_package_file() -> None:
    asked = json.loads((CLIENTS / "package.json").read_text())["dependencies"]
    packages = json.loads((CLIENTS / "package-lock.json").read_text())["packages"]
    assert packages[""]["dependencies"] == asked
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked} == asked
