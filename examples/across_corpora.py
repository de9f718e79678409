"""Train systems on one corpus and test them on another, and print the matrix of UA.

Every pair of corpora, both ways, and leaving one speaker out within each, on the
classes that all corpora have. What learns nothing is computed once; an interrupted run
goes on at its next fold::

    python examples/across_corpora.py --corpus EmoDB emodb path/to/emodb \
        --corpus nEMO table path/to/nemo/metadata.csv \
        --rows compare_svm pretrained_statistics --encoder path/to/encoder.onnx
"""

import argparse
import os
from pathlib import Path

# TensorFlow reports at length which processors it has not found.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from skser import datasets
from skser.model_selection import evaluate_across
from skser.systems import SYSTEMS, list_systems, split_front_end


def main():
    """Evaluate each system and keep its predictions, its report and its table."""
    options = parse_arguments()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    corpora = {
        name: getattr(datasets, f"load_{loader}")(path)
        for name, loader, path in options.corpus
    }
    for name in options.rows:
        takes_model = SYSTEMS[name].row.takes_model
        model = {"model": options.encoder} if takes_model else {}
        system = SYSTEMS[name](n_jobs=options.n_jobs, **model)
        caches = [p for p in system.get_params() if p.endswith("__cache")]
        system.set_params(**dict.fromkeys(caches, str(folder / "features")))
        front_end, rest = split_front_end(system)
        result = evaluate_across(
            rest,
            corpora,
            train=options.train,
            X={key: list(front_end.transform(c.paths)) for key, c in corpora.items()},
            checkpoint=folder / "folds",
            verbose=1,
        )
        result.predictions.save(folder / f"{name}.zip")
        result.to_csv(folder / f"{name}.csv")
        (folder / f"{name}.md").write_text(result.to_markdown(), encoding="utf-8")
        print(f"\n`{name}`\n\n{result.to_markdown()}", flush=True)


def parse_arguments():
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--corpus",
        nargs=3,
        action="append",
        required=True,
        metavar=("NAME", "LOADER", "PATH"),
        help="what to call it; 'table', or the name of a corpus such as 'emodb'; and "
        "its file or folder. Give it once for each corpus",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        choices=list_systems("classification"),
        default=["statistics_ivector_vote"],
    )
    parser.add_argument("--encoder", help="ONNX file, for systems that take a model")
    parser.add_argument("--train", choices=["each", "others"], default="each")
    parser.add_argument("--output", default="across", help="folder of the results")
    parser.add_argument("--n-jobs", type=int, default=1, help="threads for features")
    options = parser.parse_args()
    lacking = [name for name in options.rows if SYSTEMS[name].row.takes_model]
    if lacking and options.encoder is None:
        parser.error(f"{', '.join(lacking)}: name an ONNX file with --encoder")
    return options


if __name__ == "__main__":
    main()
