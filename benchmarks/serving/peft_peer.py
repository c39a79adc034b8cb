"""`transformers` and `peft` measured on the same base and adapters: one request after the other, switching.

PEFT serves one adapter at a time with `set_adapter`; its own mixed batches (`adapter_names`) are measured
beside it. Adapters are loaded in the base's bfloat16, which is PEFT's faster setting here (`autocast` off).
"""

import time
import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from benchmarks.serving.workload import Request
from workers.artifacts.folders import materialise
from workers.artifacts.store import ArtifactStore


class Peft:
    """The base with adapters 0..n-1 loaded under the names of their numbers."""

    def __init__(
        self, base: Path, store: ArtifactStore, hashes: list[str], answer_tokens: int, device: str
    ) -> None:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        self._answer_tokens, self._device = answer_tokens, device
        self._now_s = time.process_time if device == "cpu" else time.perf_counter
        model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16, local_files_only=True)
        folders = [materialise(store, name, base.parent / "folders") for name in hashes]
        self._model: Any = PeftModel.from_pretrained(
            model, folders[0], adapter_name="0", autocast_adapter_dtype=False
        )
        for number, folder in enumerate(folders[1:], start=1):
            self._model.load_adapter(folder, adapter_name=str(number), autocast_adapter_dtype=False)
        self._model.to(device).eval()

    def switching(self, asked: list[Request]) -> float:
        """Tokens per CPU second, a request at a time."""
        started_s = self._now_s()
        tokens = 0
        for request in asked:
            self._model.set_adapter(str(request.adapter))
            tokens += self._generate([request.prompt])
        return tokens / (self._now_s() - started_s)

    def mixed(self, asked: list[Request]) -> float:
        """Tokens per CPU second of one batch by `adapter_names`."""
        started_s = self._now_s()
        names = [str(request.adapter) for request in asked]
        tokens = self._generate([request.prompt for request in asked], adapter_names=names)
        return tokens / (self._now_s() - started_s)

    def _generate(self, prompts: list[tuple[int, ...]], **options: Any) -> int:
        inputs = torch.tensor(prompts, device=self._device)
        with torch.inference_mode():
            answer = self._model.generate(
                input_ids=inputs,
                attention_mask=torch.ones_like(inputs),
                max_new_tokens=self._answer_tokens,
                min_new_tokens=self._answer_tokens,
                do_sample=False,
                pad_token_id=0,
                **options,
            )
        assert answer.shape == (len(prompts), inputs.shape[1] + self._answer_tokens)
        return int(answer.numel())
