"""What kronfluence, traker and dattri give on the digits setup; run in an environment of their own.

    PEERS/bin/python -m benchmarks.attribution.peers FOLDER SEEDS

Models are trained here as everywhere else in the benchmark. Every library at the best settings that the
design found for it (attribution.md, section 2); dattri's conjugate gradients take half a minute, so one seed
only.
"""

import copy
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.attribution import digits
from benchmarks.attribution.retraining import train_many
from workers.influence import stable

Scores = NDArray[np.float64]


def datasets() -> tuple[TensorDataset, TensorDataset]:
    """Training records and queries."""
    data = digits.load()
    return (
        TensorDataset(data.inputs, data.labels),
        TensorDataset(data.evaluation.queries, data.evaluation.labels),
    )


def kronfluence(is_empirical: bool) -> Callable[[Sequence[nn.Module]], Scores]:
    """EK-FAC with the library's own damping."""
    from kronfluence.analyzer import Analyzer, prepare_model  # noqa: PLC0415 (one environment may lack a peer)
    from kronfluence.arguments import FactorArguments  # noqa: PLC0415
    from kronfluence.task import Task  # noqa: PLC0415

    class Classification(Task):  # type: ignore[misc]  # untyped library
        def compute_train_loss(self, batch: Any, model: nn.Module, sample: bool = False) -> Tensor:
            logits = model(batch[0])
            if not sample:
                return nn.functional.cross_entropy(logits, batch[1], reduction="sum")
            drawn = torch.multinomial(torch.softmax(logits.detach(), dim=1), 1).flatten()
            return nn.functional.cross_entropy(logits, drawn, reduction="sum")

        def compute_measurement(self, batch: Any, model: nn.Module) -> Tensor:
            return -digits.margins(model(batch[0]), batch[1]).sum()

    def run(models: Sequence[nn.Module]) -> Scores:
        train, queries = datasets()
        total = np.zeros((digits.QUERIES, digits.TRAIN))
        for model in models:
            with TemporaryDirectory() as folder:
                task = Classification()
                analyzer = Analyzer(
                    "digits", prepare_model(model, task), task, cpu=True, output_dir=folder, disable_tqdm=True
                )
                analyzer.fit_all_factors(
                    "factors",
                    train,
                    per_device_batch_size=500,
                    factor_args=FactorArguments("ekfac", use_empirical_fisher=is_empirical),
                )
                analyzer.compute_pairwise_scores(
                    "scores",
                    "factors",
                    query_dataset=queries,
                    train_dataset=train,
                    per_device_query_batch_size=300,
                    per_device_train_batch_size=500,
                )
                total += analyzer.load_pairwise_scores("scores")["all_modules"].double().numpy()
        return total

    return run


def trak(dimensions: int) -> Callable[[Sequence[nn.Module]], Scores]:
    """TRAK with a Rademacher projection in float32."""
    from trak import TRAKer  # noqa: PLC0415
    from trak.projectors import BasicProjector, ProjectionType  # noqa: PLC0415

    def run(models: Sequence[nn.Module]) -> Scores:
        train, queries = (DataLoader(one, batch_size=100) for one in datasets())
        parameters = sum(parameter.numel() for parameter in models[0].parameters())
        projector = BasicProjector(
            parameters,
            dimensions,
            0,
            ProjectionType.rademacher,
            "cpu",
            block_size=dimensions // 2,
            dtype=torch.float32,
        )
        with TemporaryDirectory() as folder:
            traker = TRAKer(
                models[0],
                "image_classification",
                digits.TRAIN,
                save_dir=folder,
                device="cpu",
                projector=projector,
                proj_dim=dimensions,
                use_half_precision=False,
                logging_level=50,
            )
            for number, model in enumerate(models):
                traker.load_checkpoint(model.state_dict(), model_id=number)
                for batch in train:
                    traker.featurize(batch, num_samples=len(batch[0]))
            traker.finalize_features()
            for number, model in enumerate(models):
                traker.start_scoring_checkpoint("run", model.state_dict(), number, num_targets=digits.QUERIES)
                for batch in queries:
                    traker.score(batch, num_samples=len(batch[0]))
            found: Scores = np.array(traker.finalize_scores("run")).T.astype(np.float64)
        return found

    return run


def dattri_gradients(steps: int) -> Callable[[Sequence[nn.Module]], Scores]:
    """Influence functions by conjugate gradients, regularisation .01."""
    from dattri.algorithm.influence_function import IFAttributorCG  # noqa: PLC0415
    from dattri.task import AttributionTask  # noqa: PLC0415

    def run(models: Sequence[nn.Module]) -> Scores:
        model = models[0]

        def loss(parameters: Any, record: tuple[Tensor, Tensor]) -> Tensor:
            logits = torch.func.functional_call(model, parameters, (record[0].reshape(-1, 64),))
            return nn.functional.cross_entropy(logits, record[1].reshape(-1))

        def target(parameters: Any, record: tuple[Tensor, Tensor]) -> Tensor:
            logits = torch.func.functional_call(model, parameters, (record[0].reshape(-1, 64),))
            return stable.margin(logits, record[1].reshape(-1)).mean()

        train, queries = datasets()
        task = AttributionTask(
            loss_func=loss, model=model, checkpoints=model.state_dict(), target_func=target
        )
        attributor = IFAttributorCG(task=task, max_iter=steps, regularization=0.01)
        everything = DataLoader(train, batch_size=digits.TRAIN)
        attributor.cache(everything)
        with torch.no_grad():
            found: Scores = (
                attributor.attribute(everything, DataLoader(queries, batch_size=digits.QUERIES))
                .T.double()
                .numpy()
            )
        return -found

    return run


def main() -> None:
    """Write scores and an index of them."""
    folder, seeds = Path(sys.argv[1]), int(sys.argv[2])
    torch.set_num_threads(1)
    data = digits.load()
    single = [[digits.train(seed)[0]] for seed in range(1, seeds + 1)]
    groups = [
        train_many(
            digits.make_model,
            digits.loss,
            data.inputs,
            data.labels,
            members=[np.arange(digits.TRAIN)] * 10,
            seeds=[3_000 + 10 * seed + i for i in range(10)],
            recipe=digits.RECIPE,
        )
        for seed in range(seeds)
    ]
    plan: list[tuple[str, Callable[[], Callable[[Sequence[nn.Module]], Scores]], list[list[nn.Module]]]] = [
        ("kronfluence EK-FAC, its defaults", lambda: kronfluence(False), single),
        ("kronfluence EK-FAC, empirical Fisher", lambda: kronfluence(True), single),
        ("kronfluence EK-FAC, empirical Fisher, ten models", lambda: kronfluence(True), groups[:1]),
        ("traker, 256 dimensions", lambda: trak(256), single),
        ("traker, 256 dimensions, ten models", lambda: trak(256), groups[:2]),
        ("dattri influence, CG 10 steps", lambda: dattri_gradients(10), single[:1]),
    ]
    with (folder / "index.jsonl").open("w") as index:
        for number, (name, make, groups_of_models) in enumerate(plan):
            try:
                method, files, spent_s = make(), [], []
                for run, models in enumerate(groups_of_models):
                    started_s = time.process_time()
                    scores = method(copy.deepcopy(models))  # kronfluence changes the model it is given
                    spent_s.append(time.process_time() - started_s)
                    files.append(f"{number}-{run}.npy")
                    np.save(folder / files[-1], scores)
            except (ImportError, RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
                print(f"{name}: {error!r}", file=sys.stderr)
                continue
            entry = {"name": name, "models": len(groups_of_models[0]), "files": files, "cpu_s": min(spent_s)}
            index.write(json.dumps(entry) + "\n")
            print(name, f"{min(spent_s):.1f} CPU-s", file=sys.stderr)


if __name__ == "__main__":
    main()
