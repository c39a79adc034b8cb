"""Where adapters come from: artefacts by hash, checked on every read, the recently used kept in memory.

Three tiers: slots on the device (`slots`), packed factors in memory up to a budget (here), files named by
their hash (the artefact store, which may fetch from a URL). A name is an adapter's folder hash
`sha256:<hex>` or an alias an operator gave it. `resolve` blocks and may run on any thread; the rest is quick
and locked.

Covered: hashes, size before reading, pickles and odd files (`artifacts.folders`), wrong bases, pinning,
loads asked for twice. Not covered: deleting files that nobody uses any more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from workers.artifacts.folders import check_content, read_folder
from workers.artifacts.store import ArtifactId, ArtifactStore, parse_id
from workers.errors import ArtifactError, InvalidInputError
from workers.serving.adapters.geometry import Product
from workers.serving.adapters.peft_adapter import (
    CONFIG_FILE,
    TENSOR_FILE,
    AdapterSettings,
    PackedAdapter,
    read_adapter,
    read_settings,
)
from workers.serving.errors import AdapterRefusedError, ModelNotFoundError, ServingError, StorageFailedError

PREFIX = "sha256:"
LOADERS = 2
HEADER_ALLOWANCE_BYTES = 1 << 20
MOST_KNOWN = 100_000
"""Adapters remembered by name; each takes a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class BaseModel:
    """What adapters must fit: the base's products, its folder hash where known, the slots' layout."""

    products: tuple[Product, ...]
    layers: int
    dtype: torch.dtype
    folder_hash: str
    is_tiled: bool

    def largest_file_bytes(self, rank: int) -> int:
        """No tensor file of an adapter that fits is larger (four bytes a value)."""
        values = sum(rank * (len(one.parts) * one.inputs + one.outputs) for one in self.products)
        return 4 * self.layers * values + HEADER_ALLOWANCE_BYTES


@dataclass(frozen=True, slots=True)
class KnownAdapter:
    """An adapter that was read and fits this base."""

    folder: ArtifactId
    tensors: ArtifactId
    settings: AdapterSettings
    size_bytes: int


@dataclass(frozen=True, slots=True)
class LibraryStatistics:
    """Counters since the start, and what is in memory now."""

    known: int
    in_memory: int
    memory_bytes: int
    loads: int
    hits: int


class AdapterLibrary:
    """All adapters of one base; `on_loaded` is called (from any thread) when a prefetched one has arrived."""

    def __init__(
        self, store: ArtifactStore, base: BaseModel, *, max_rank: int, memory_bytes: int, most_pinned: int = 0
    ) -> None:
        self._store, self._base = store, base
        self._max_rank, self._memory_bytes, self._most_pinned = max_rank, memory_bytes, most_pinned
        self.on_loaded: Callable[[], None] = lambda: None
        self._lock = threading.RLock()
        self._known: dict[ArtifactId, KnownAdapter] = {}
        self._aliases: dict[str, ArtifactId] = {}
        self._packed: OrderedDict[ArtifactId, PackedAdapter] = OrderedDict()
        self._failed: OrderedDict[ArtifactId, ServingError] = OrderedDict()
        self._pinned: dict[ArtifactId, int] = {}
        self._loading: dict[ArtifactId, Future[PackedAdapter]] = {}
        self._used_bytes = self._loads = self._hits = 0
        self._loaders = ThreadPoolExecutor(LOADERS, "adapter-loader")

    # --- Names --------------------------------------------------------------------------------------------

    def folder_of(self, name: str) -> ArtifactId:
        """The folder hash behind a model name; raises ModelNotFoundError for a name that is none."""
        with self._lock:
            if name in self._aliases:
                return self._aliases[name]
        if name.startswith(PREFIX):
            try:
                return parse_id(name)
            except ArtifactError:
                pass
        raise ModelNotFoundError(f"The model `{name[:200]}` does not exist.", "model")

    def has_alias(self, name: str) -> bool:
        """True for a name an operator gave."""
        with self._lock:
            return name in self._aliases

    def add_alias(self, name: str, folder: str, *, pin: bool) -> None:
        """Let `name` stand for an adapter; `pin` keeps it in memory and slot until it is removed.

        Raises AdapterRefusedError when pinned adapters would take more than half of the slots or of memory.
        """
        with self._lock:
            if pin:
                self._pin(ArtifactId(folder))
            self._aliases[name] = ArtifactId(folder)

    def _pin(self, folder: ArtifactId) -> None:
        size = self._packed[folder].size_bytes if folder in self._packed else self._known[folder].size_bytes
        pinned = {**self._pinned, folder: size}
        if len(pinned) > self._most_pinned:
            raise AdapterRefusedError(f"{self._most_pinned} adapters are pinned, which is the limit", "pin")
        if 2 * sum(pinned.values()) > self._memory_bytes:
            raise AdapterRefusedError(
                f"{sum(pinned.values())} bytes of pinned adapters are more than half of adapter memory", "pin"
            )
        self._pinned = pinned

    def remove(self, name: str) -> ArtifactId | None:
        """Forget an alias or adapter; the folder that nobody names any more, or None while others do.

        Raises ModelNotFoundError when there is nothing of that name.
        """
        with self._lock:
            if name in self._aliases:
                folder = self._aliases.pop(name)
            elif name.removeprefix(PREFIX) in self._known:
                folder = ArtifactId(name.removeprefix(PREFIX))
            else:
                raise ModelNotFoundError(f"The lora adapter '{name[:200]}' cannot be found.", "lora_name")
            if folder in self._aliases.values():
                return None
            self._known.pop(folder, None)
            self._pinned.pop(folder, None)
            self._drop(folder)
        return folder

    def names(self) -> list[tuple[str, ArtifactId]]:
        """All names in use with their folders: aliases and hashes."""
        with self._lock:
            return [*self._aliases.items(), *((PREFIX + folder, folder) for folder in self._known)]

    def is_pinned(self, folder: str) -> bool:
        """True for an adapter that stays."""
        return folder in self._pinned

    # --- Loading ------------------------------------------------------------------------------------------

    def resolve(self, name: str) -> ArtifactId:
        """The folder behind a name, read and checked if this is its first use. Blocks.

        Raises ModelNotFoundError, AdapterRefusedError.
        """
        folder = self.folder_of(name)
        with self._lock:
            if folder in self._known:
                return folder
        self._begin(folder).result()
        return folder

    def packed(self, folder: str) -> PackedAdapter | Exception | None:
        """The factors if they are in memory, why they cannot be, or None: `prefetch` brings them."""
        name = ArtifactId(folder)
        with self._lock:
            if name in self._packed:
                self._packed.move_to_end(name)
                self._hits += 1
                return self._packed[name]
            return self._failed.pop(name, None)

    def prefetch(self, folder: str) -> None:
        """Begin to load what is not in memory; touch what is."""
        name = ArtifactId(folder)
        with self._lock:
            if name in self._packed:
                self._packed.move_to_end(name)
                return
            if name not in self._failed:
                self._begin(name)

    def statistics(self) -> LibraryStatistics:
        """A snapshot."""
        with self._lock:
            return LibraryStatistics(
                len(self._known), len(self._packed), self._used_bytes, self._loads, self._hits
            )

    def close(self) -> None:
        """Stop loading."""
        self._loaders.shutdown(wait=True, cancel_futures=True)

    def _begin(self, folder: ArtifactId) -> "Future[PackedAdapter]":
        with self._lock:
            if folder in self._loading:
                return self._loading[folder]
            self._loading[folder] = future = self._loaders.submit(self._load, folder)
        future.add_done_callback(lambda done: self._arrived(folder, done))
        return future

    def _load(self, folder: ArtifactId) -> PackedAdapter:
        try:
            known = self._known.get(folder) or self._inspect(folder)
            data = self._store.get(known.tensors)
            check_content(TENSOR_FILE, data)
            packed = read_adapter(
                known.settings,
                data,
                self._base.products,
                self._base.layers,
                dtype=self._base.dtype,
                is_tiled=self._base.is_tiled,
            )
        except ArtifactError as error:
            raise ModelNotFoundError(f"adapter {PREFIX}{folder}: {error}", "model") from error
        except InvalidInputError as error:
            raise AdapterRefusedError(f"adapter {PREFIX}{folder}: {error}", "model") from error
        except AdapterRefusedError as error:
            raise AdapterRefusedError(f"adapter {PREFIX}{folder}: {error}", "model") from error
        except OSError as error:
            raise StorageFailedError(
                f"adapter {PREFIX}{folder}: {error.strerror or error}", "model"
            ) from error
        with self._lock:
            if len(self._known) < MOST_KNOWN:
                self._known[folder] = known
            self._keep(folder, packed)
        return packed

    def _inspect(self, folder: ArtifactId) -> KnownAdapter:
        files = read_folder(self._store, folder)
        missing = [name for name in (CONFIG_FILE, TENSOR_FILE) if name not in files]
        if missing:
            raise AdapterRefusedError(f"the folder has no {missing[0]}")
        config = self._store.get(files[CONFIG_FILE])
        settings = read_settings(config, self._max_rank)
        if settings.base and self._base.folder_hash and settings.base != PREFIX + self._base.folder_hash:
            raise AdapterRefusedError(
                f"it was trained on {settings.base}, this server has {PREFIX}{self._base.folder_hash}"
            )
        path = self._store.path(files[TENSOR_FILE])
        size = path.stat().st_size if path.is_file() else 0
        largest = self._base.largest_file_bytes(self._max_rank)
        if size > largest:
            raise AdapterRefusedError(
                f"{TENSOR_FILE} has {size} bytes; an adapter of this base has at most {largest}"
            )
        return KnownAdapter(folder, files[TENSOR_FILE], settings, size)

    def _arrived(self, folder: ArtifactId, done: "Future[Any]") -> None:
        with self._lock:
            self._loading.pop(folder, None)
            error = None if done.cancelled() else done.exception()
            if isinstance(error, ServingError) and folder in self._known:  # else `resolve` tells its caller
                self._failed[folder] = error
                while len(self._failed) > 1_000:
                    self._failed.popitem(last=False)
        self.on_loaded()

    def _keep(self, folder: ArtifactId, packed: PackedAdapter) -> None:
        self._loads += 1
        self._drop(folder)
        self._packed[folder] = packed
        self._used_bytes += packed.size_bytes
        for oldest in [name for name in self._packed if name not in self._pinned and name != folder]:
            if self._used_bytes <= self._memory_bytes:
                break
            self._drop(oldest)

    def _drop(self, folder: ArtifactId) -> None:
        packed = self._packed.pop(folder, None)
        if packed is not None:
            self._used_bytes -= packed.size_bytes
