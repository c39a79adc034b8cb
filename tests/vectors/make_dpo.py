"""Writes `dpo.json` with trl's DPOTrainer: `python -m tests.vectors.make_dpo` where trl 1.16 is installed.

trl is no dependency of the project: install it beside the project's environment
(`pip install --no-deps --target DIR trl`, then `PYTHONPATH=DIR:.`).
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import trl  # type: ignore[import-not-found] # installed for this alone
from datasets import Dataset
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from tests.vectors.dpo_model import BETA, PAIRS, VOCABULARY, filled, untrained


def main() -> None:
    """Loss, rewards and gradients of all pairs as one batch."""
    words = {str(number): number for number in range(VOCABULARY)}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # upstream
        tokenizer_object=Tokenizer(models.WordLevel(words, "0")), pad_token="0", eos_token="2"
    )
    rows = [
        {"prompt_ids": prompt, "chosen_ids": chosen, "rejected_ids": rejected}
        for prompt, chosen, rejected in PAIRS
    ]
    base, adapter = untrained()
    with tempfile.TemporaryDirectory() as folder:
        trainer: Any = trl.DPOTrainer(
            model=base,
            peft_config=adapter,
            args=trl.DPOConfig(output_dir=folder, beta=BETA, use_cpu=True, report_to=[], bf16=False),
            train_dataset=Dataset.from_list([{"prompt": "1", "chosen": "3", "rejected": "4"} for _ in PAIRS]),
            processing_class=tokenizer,
        )
        batch = trainer.data_collator(rows)
        model = filled(trainer.model)
        loss = trainer._compute_loss(model, batch, return_outputs=False)
        loss.backward()
        metrics = trainer._metrics["eval"]
    found = {
        "trl": trl.__version__,
        "loss": float(loss.detach()),
        "margin": metrics["rewards/margins"][0],
        "accuracy": metrics["rewards/accuracies"][0],
        "chosen": metrics["logps/chosen"][0],
        "rejected": metrics["logps/rejected"][0],
        "gradients": {
            name: [float(value.grad.sum()), float(value.grad.norm())]
            for name, value in sorted(model.named_parameters())
            if value.grad is not None
        },
    }
    Path(__file__).with_name("dpo.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
