"""How `rows.c` is compiled, once per source and machine kind, and called on tensors.

Where no C compiler is found the server runs the same arithmetic in plain torch (`rows.SegmentRows`).
"""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from workers.serving.adapters.geometry import Product

log = logging.getLogger(__name__)

Tensor = torch.Tensor
SOURCES = ("rows.c", "rows_body.h")
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-ffp-contract=fast", "-shared", "-fPIC")
TILE = 32
COMPILE_TIMEOUT_S = 60.0
PARALLEL_ROWS = 16
"""Fewer rows than this are not worth a second thread."""


class Kernel:
    """The loaded functions; `add` may be called from any one thread."""

    def __init__(self, library: ctypes.CDLL, threads: int) -> None:
        self._functions = {
            torch.float32: library.add_rows_float,
            torch.bfloat16: library.add_rows_bfloat16,
        }
        for function in self._functions.values():
            function.restype = None
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads - 1, "adapters") if threads > 1 else None

    def add(
        self,
        inputs: Tensor,
        outputs: Tensor,
        *,
        down: Tensor,
        up: Tensor,
        scale: Tensor,
        bounds: tuple[tuple[int, int], ...],
        ranks: Tensor,
        slots: Tensor,
    ) -> None:
        """Add to `outputs` (rows, outputs) in place; all on the CPU, rows contiguous, factors tiled."""
        rows = len(slots)
        ends = (ctypes.c_int64 * len(bounds))(*(last for _first, last in bounds))
        function = self._functions[inputs.dtype]
        size = inputs.element_size()

        def work(first: int, last: int) -> None:
            function(
                ctypes.c_int64(last - first),
                ctypes.c_int64(inputs.shape[1]),
                ctypes.c_int64(outputs.shape[1]),
                ctypes.c_int64(up.shape[-2]),
                ctypes.c_int64(len(bounds)),
                ends,
                ctypes.c_void_p(inputs.data_ptr() + first * inputs.stride(0) * size),
                ctypes.c_int64(inputs.stride(0)),
                ctypes.c_void_p(outputs.data_ptr() + first * outputs.stride(0) * size),
                ctypes.c_int64(outputs.stride(0)),
                ctypes.c_void_p(down.data_ptr()),
                ctypes.c_void_p(up.data_ptr()),
                ctypes.c_void_p(scale.data_ptr()),
                ctypes.c_void_p(ranks.data_ptr()),
                ctypes.c_void_p(slots.data_ptr() + 4 * first),
            )

        if self._pool is None or rows < PARALLEL_ROWS:
            work(0, rows)
            return
        cuts = [rows * number // self._threads for number in range(self._threads + 1)]
        others = [self._pool.submit(work, cuts[i], cuts[i + 1]) for i in range(1, self._threads)]
        work(cuts[0], cuts[1])
        for other in others:
            other.result()


def load_kernel(
    products: Sequence[Product], dtype: torch.dtype, device: torch.device, threads: int
) -> Kernel | None:
    """The kernel, compiled if need be; None where it does not apply or no compiler works."""
    if device.type != "cpu" or dtype not in {torch.float32, torch.bfloat16}:
        return None
    widths = [width for product in products for _name, width in product.parts]
    if any(width % TILE for width in [*widths, *(product.inputs for product in products)]):
        log.warning("adapters run in plain torch: a width of this base is not a multiple of %d", TILE)
        return None
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        log.warning("no C compiler found: adapters run in plain torch, which is several times slower")
        return None
    try:
        return Kernel(ctypes.CDLL(str(_compiled(compiler))), threads)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("adapters run in plain torch: the native kernel could not be built (%s)", error)
        return None


def _compiled(compiler: str) -> Path:
    folder = Path(__file__).parent
    digest = hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in SOURCES))
    digest.update("\0".join((*FLAGS, compiler, platform.machine(), _processor())).encode())
    target = _cache_folder() / f"rows-{digest.hexdigest()[:32]}.so"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            output = Path(temporary) / "rows.so"
            command = [compiler, *FLAGS, str(folder / SOURCES[0]), "-o", str(output)]
            subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_TIMEOUT_S)  # noqa: S603 - our own source
            output.rename(target)
    return target


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "openledger-node" / "kernels"


def _processor() -> str:
    """What the compiled code may rely on: a folder shared by machines must not mix their instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())
