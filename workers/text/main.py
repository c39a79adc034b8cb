"""How the project's own base is asked for: `python -m workers.text.main --preset small`.

Prints one JSON line: the folder, and with `--artifacts DIR` the hash under which it was kept there.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from transformers.utils.logging import disable_progress_bar

from workers.artifacts.folders import store_folder
from workers.artifacts.store import ArtifactStore
from workers.errors import WorkerError
from workers.progress import Progress
from workers.text.base import RECIPE_FILE, cached_base, make_base
from workers.text.presets import MINUTES, PRESETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or find the base and say where it is; 0, or 1 with one line on standard error."""
    parser = argparse.ArgumentParser(
        description="Make the project's own base model, or find it in the cache."
    )
    parser.add_argument("--preset", default="small", choices=sorted(PRESETS))
    parser.add_argument("--artifacts", type=Path, help="keep the folder among these artefacts")
    parser.add_argument("--report-every", type=float, default=5.0, metavar="SECONDS")
    options = parser.parse_args(arguments)
    disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped upstream
    progress = reporting(options.report_every)
    if cached_base(options.preset) is None:
        minutes = MINUTES[options.preset]
        progress(0.0, f"not in the cache: pre-training takes about {minutes:g} minutes on one core, once")
    try:
        folder = make_base(options.preset, progress)
        artifact = store_folder(ArtifactStore(options.artifacts), folder) if options.artifacts else ""
    except (WorkerError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    recipe = json.loads((folder / RECIPE_FILE).read_text())
    print(json.dumps({"folder": str(folder), "artifact": artifact, "figures": recipe["figures"]}))
    return 0


def reporting(interval_s: float) -> Progress:
    """Progress on standard error: the first, the last, and every few seconds one."""
    last_s = -interval_s

    def report(done: float, text: str) -> None:
        nonlocal last_s
        if done in (0, 1) or time.monotonic() - last_s >= interval_s:
            last_s = time.monotonic()
            print(f"{done:6.1%}  {text}", file=sys.stderr, flush=True)

    return report


if __name__ == "__main__":
    sys.exit(main())
