"""How the project's own base is asked for: `python -m workers.text.main --preset small`.

Prints one JSON line: the folder, and with `--artifacts DIR` the hash under which it was kept there.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.errors import WorkerError
from workers.progress import Progress
from workers.text.base import PRESETS, RECIPE_FILE, make_base

REPORT_INTERVAL_S = 5.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or find the base and say where it is; 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(
        description="Make the project's own base model, or find it in the cache."
    )
    parser.add_argument("--preset", default="small", choices=sorted(PRESETS))
    parser.add_argument("--artifacts", type=Path, help="keep the folder among these artefacts")
    options = parser.parse_args(arguments)
    try:
        folder = make_base(options.preset, reporting())
        artifact = store_folder(ArtifactStore(options.artifacts), folder) if options.artifacts else ""
    except (WorkerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    recipe = json.loads((folder / RECIPE_FILE).read_text())
    print(json.dumps({"folder": str(folder), "artifact": artifact, "figures": recipe["figures"]}))
    return 0


def reporting() -> Progress:
    """Progress on standard error, every few seconds."""
    last_s = time.monotonic()

    def report(done: float, text: str) -> None:
        nonlocal last_s
        if done >= 1 or time.monotonic() - last_s >= REPORT_INTERVAL_S:
            last_s = time.monotonic()
            print(f"{done:6.1%}  {text}", file=sys.stderr, flush=True)

    return report


if __name__ == "__main__":
    sys.exit(main())
