"""How fast is this package beside others? One table of ratios.

Run from the repository with ``python tests/benchmarks``, or with the names of some
works, such as ``python tests/benchmarks features functionals``. ``--quick`` only shows
that everything runs. A rival that is not installed is a row that says so.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

# Before anything else is imported, here and in the processes below.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from comparisons import gather
from usage import describe_company, machine_seconds

from skser.storage import find_versions

# The name of a work -> the module and its generator of comparisons.
WORKS = {
    "features": ("bench_libraries", "compare_features"),
    "functionals": ("bench_libraries", "compare_functionals"),
    "processors": ("bench_libraries", "compare_processors"),
    "sktime": ("bench_libraries", "compare_sktime"),
    "sktime_torch": ("bench_libraries", "compare_sktime_torch"),
    "aeon": ("bench_libraries", "compare_aeon"),
    "training": ("bench_training", "compare"),
}
PACKAGES = (
    "skser",
    "numpy",
    "scipy",
    "tensorflow",
    "keras",
    "librosa",
    "opensmile",
    "audioflux",
    "kaldi-native-fbank",
    "torch",
    "aeon",
    "sktime",
)
HEADINGS = (
    "work",
    "rival",
    "ours, s",
    "rival, s",
    "rival / ours",
    "smallest to largest",
    "numbers: rival, ours",
    "ratio per number",
)


def describe_machine():
    """Return a line about the processors and the versions."""
    versions = find_versions(PACKAGES)
    parts = [f"{os.cpu_count()} processors", f"Python {versions['python']}"]
    parts += [f"{name} {versions.get(name, 'not installed')}" for name in PACKAGES]
    return ", ".join(parts)


def format_row(comparison):
    """Return the cells of a comparison; a ratio above 1 means that ours is faster."""
    work, rival, rival_seconds, our_seconds, numbers = comparison
    if rival_seconds is None:
        return (work, rival, *["not installed"], *[""] * (len(HEADINGS) - 3))
    ratios = rival_seconds / our_seconds
    cells = [
        work,
        rival,
        f"{np.median(our_seconds):.3g}",
        f"{np.median(rival_seconds):.3g}",
        f"{np.median(ratios):.2f}",
        f"{ratios.min():.2f} to {ratios.max():.2f}",
    ]
    share = 1.0 if numbers is None else numbers[1] / numbers[0]
    # Libraries differ by a frame at the end.
    if abs(share - 1) < 0.02:
        return (*cells, "", "")
    per_number = np.median(ratios) * share
    return (*cells, "{:,}, {:,}".format(*numbers), f"{per_number:.3g}")


def print_table(rows, is_markdown):
    """Print the rows below the headings, in columns or as Markdown."""
    table = [HEADINGS, *rows]
    if is_markdown:
        table.insert(1, ["---"] * len(HEADINGS))
        for row in table:
            print("|", " | ".join(row), "|")
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def main():
    """Run the works, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("works", nargs="*", help=f"some of {', '.join(WORKS)}; or all")
    parser.add_argument("--quick", action="store_true", help="little work, one run")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    unknown = set(options.works) - set(WORKS)
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; works are {', '.join(WORKS)}")
    before = machine_seconds()
    rows = []
    for work in options.works or WORKS:
        # A process each: who comes first must not load libraries, fill caches or
        # start threads for those that follow.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as executor:
            rows += executor.submit(gather, *WORKS[work], options.quick).result()
    print(describe_machine())
    print(describe_company(before, machine_seconds()), end="\n\n")
    print_table([format_row(row) for row in rows], options.markdown)


if __name__ == "__main__":
    main()
