"""Arguments of the command line: a table of commands and options, and its parser."""

from __future__ import annotations

import argparse
import ast
import os
import textwrap
from collections.abc import Callable
from typing import NamedTuple

from skser import __version__
from skser.command_line import _commands
from skser.command_line._commands import (
    CORPORA,
    PROGRAM,
    REPORTS,
    TABLE_SUFFIXES,
    TABLES,
    TIMELINE_FORMATS,
    VALIDATIONS,
    WRITERS,
    ending,
    guess,
)
from skser.systems import SYSTEMS, TASKS
from skser.timeline import SMOOTHINGS

_WIDTH = 79


def one_of(known, kind: str, suffixes: tuple = ()) -> Callable[[str], str]:
    """Return the function that accepts some names only, or files of some endings."""

    def accept(text):
        if text not in known and ending(text) not in suffixes:
            raise argparse.ArgumentTypeError(
                f"there is no {kind} {text!r}{guess(text, known)}; "
                f"'{PROGRAM} list' shows all"
            )
        return text

    return accept


def assignment(text: str) -> tuple:
    """Take NAME=VALUE apart; what is no Python literal is a string."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(
            f"expected NAME=VALUE, such as classify__max_epochs=10, got {text!r}"
        )
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def seed(text: str) -> int:
    """Accept what NumPy takes as a seed."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"expected an integer from 0 to 2**32 - 1, got {text!r}"
        )
    return int(text)


def seconds(text: str) -> float:
    """Accept a length of time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(
            f"expected a number of seconds above 0, got {text!r}"
        )
    return value


def n_jobs(text: str) -> int:
    """Accept a number of jobs; -1 is one for each processor."""
    if not text.removeprefix("-").isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(
            f"expected a number of 1 or more, or -1 for all processors, got {text!r}"
        )
    return int(text)


def new_file(text: str) -> str:
    """Accept a file that can be written: it should not fail after hours."""
    path = os.path.expanduser(text)
    folder = os.path.dirname(path) or "."
    if os.path.isdir(path) or not os.access(folder, os.W_OK):
        raise argparse.ArgumentTypeError(
            f"expected a file in a folder that exists and can be written, got {text!r}"
        )
    return path


def new_folder(text: str) -> str:
    """Accept a folder that is there or can be made."""
    path = os.path.expanduser(text)
    above = path if os.path.isdir(path) else os.path.dirname(path) or "."
    if os.path.isfile(path) or not os.access(above, os.W_OK):
        raise argparse.ArgumentTypeError(
            "expected a folder, or the name of a new one in a folder that exists and "
            f"can be written, got {text!r}"
        )
    return path


def feature_file(text: str) -> str:
    """Accept a file of features; its ending is its format."""
    if ending(text) not in WRITERS:
        raise argparse.ArgumentTypeError(
            f"expected a file name that ends with {' or '.join(WRITERS)}, got {text!r}"
        )
    return new_file(text)


_SYSTEM = one_of(SYSTEMS, "system")
_ARGUMENTS = {
    "corpus": {
        "metavar": "CORPUS",
        "type": one_of(CORPORA, "corpus", TABLE_SUFFIXES),
        "help": "one of the corpora below, or a table of recordings (.csv, .tsv)",
    },
    "path": {
        "metavar": "PATH",
        "nargs": "?",
        "help": "its folder, or its table of files (table, cheavd); none for synthetic",
    },
    "recordings": {
        "metavar": "FILE",
        "nargs": "+",
        "help": "recordings, or folders, of which all recordings are taken",
    },
    "system": {"metavar": "SYSTEM", "nargs": "?", "type": _SYSTEM},
    "--system": {
        "metavar": "NAME",
        "type": _SYSTEM,
        "help": "one of the systems below (default: recommended or, with --task "
        "regression, recommended_regressor)",
    },
    "--task": {
        "choices": TASKS,
        "help": "classes, such as emotions, or numbers, such as arousal (default: "
        "that of --system; regression where --target is named alone)",
    },
    "--target": {
        "metavar": "NAME",
        "nargs": "+",
        "action": "extend",
        "dest": "targets",
        "help": "columns of the corpus that are predicted (default: the emotion; of "
        "numbers those of arousal, valence and dominance that there are)",
    },
    "--encoder": {
        "metavar": "FILE",
        "help": "a pretrained speech model, an ONNX file, for systems that take one; "
        "'recommended' is much better with it; export-encoder makes such a file",
    },
    "--set": {
        "metavar": "NAME=VALUE",
        "nargs": "+",
        "action": "extend",
        "type": assignment,
        "default": [],
        "help": "parameters of the system's steps; values are Python literals, and "
        f"words are strings ('{PROGRAM} list SYSTEM' shows the defaults)",
    },
    "--option": {
        "metavar": "NAME=VALUE",
        "nargs": "+",
        "action": "extend",
        "type": assignment,
        "default": [],
        "help": "options of the corpus's function in skser.datasets, such as "
        "subset=dataset2 (iemocap) or label=emotion (table)",
    },
    "--seed": {
        "metavar": "S",
        "type": seed,
        "default": 0,
        "help": "what random numbers start from (default: %(default)s)",
    },
    "--validation": {
        "choices": sorted(VALIDATIONS),
        "default": "none",
        "help": "who decides inside training when to stop: 'rotate' holds out the next "
        "speaker; 'none' holds out nobody, and a network with early stopping chooses a "
        "training speaker itself (default: %(default)s)",
    },
    "--checkpoint": {
        "metavar": "FOLDER",
        "help": "keep each finished fold there; the same command, after an "
        "interruption, runs only the others (default: nothing is kept)",
    },
    "--jobs": {
        "metavar": "N",
        "dest": "n_jobs",
        "type": n_jobs,
        "default": 1,
        "help": "recordings that are read at a time, -1 for all processors "
        "(default: %(default)s)",
    },
    "--model": {
        "metavar": "FILE",
        "required": True,
        "help": f"a system that '{PROGRAM} train' or skser.save has written",
    },
    "--speakers": {
        "choices": ("one", "folders"),
        "help": "who speaks, which systems that normalise by speaker need to know: "
        "all recordings are of one person, or those in each folder are",
    },
    "--proba": {"action": "store_true", "help": "give the posteriors as well"},
    "--window": {
        "metavar": "S",
        "type": seconds,
        "help": "answers along time: for windows of so many seconds, best as long as "
        "the recordings of the training (with --hop alone: 3)",
    },
    "--hop": {
        "metavar": "S",
        "type": seconds,
        "help": "seconds from one window to the next (default: 1)",
    },
    "--segments": {
        "metavar": "FILE",
        "help": "answers along time: for the segments of an RTTM file, or of a CSV "
        "file with the columns start, end and, if known, file and speaker",
    },
    "--smoothing": {
        "choices": tuple(SMOOTHINGS),
        "help": "smooth the answers along time: the median of five windows, or a "
        "hidden Markov model (default: as they are)",
    },
    "--activity": {
        "choices": ("energy", "none"),
        "help": "which windows get an answer: those with a level as of speech, or all "
        "(default: energy)",
    },
    "--format": {"help": "default: %(default)s"},
    "--output": {"metavar": "FILE", "type": new_file, "required": True},
    "--report": {
        "metavar": "FOLDER",
        "type": new_folder,
        "help": "write a report there, too: a page (report.html), Markdown, tables in "
        "LaTeX, all predictions (CSV) and, with matplotlib, figures",
    },
    "--quiet": {"action": "store_true", "help": "show no progress"},
    "--traceback": {
        "action": "store_true",
        "help": "show where in the program an error has happened",
    },
    "source": {
        "metavar": "FOLDER",
        "help": "of the checkpoint, or its name on the Hugging Face Hub",
    },
    "--layers": {
        "metavar": "N",
        "nargs": "+",
        "type": int,
        "required": True,
        "help": "which layers; 0 is what goes into the first",
    },
    "--precision": {
        "choices": ("float32", "float16"),
        "default": "float32",
        "help": "of the weights in the file (default: %(default)s)",
    },
    "--pad": {
        "action": "store_true",
        "help": "fill signals up to Whisper's 30 s, at its price",
    },
    "--licence": {"metavar": "TEXT", "help": "kept in the file's metadata"},
    "--download": {
        "action": "store_true",
        "help": "let transformers download a checkpoint that is not here",
    },
}
_COMMON = ("--quiet", "--traceback")


class _Command(NamedTuple):
    """A command of the command line."""

    run: Callable
    summary: str
    details: str
    examples: tuple
    arguments: dict  # name -> what differs from _ARGUMENTS
    lists: tuple = ()  # what is listed at the end of its help


_RESULT_FILE = {
    "required": False,
    "help": "file for the result, in UTF-8 (default: it is printed)",
}
_TIMELINE_JOBS = (
    "along time: threads that predict, -1 for all processors (default: one)"
)
_CORPUS_ARGUMENTS: dict[str, dict] = {"corpus": {}, "path": {}}
_SYSTEM_ARGUMENTS: dict[str, dict] = {"--system": {}, "--encoder": {}, "--set": {}}
_TASK_ARGUMENTS: dict[str, dict] = {"--task": {}, "--target": {}}
_COMMANDS = {
    "evaluate": _Command(
        _commands.evaluate,
        "evaluate a system leaving one speaker out at a time",
        "Each speaker is recognised by a system that was trained on all others. UA "
        "(mean recall over the classes) and WA (accuracy) are printed, pooled and of "
        "each speaker; of numbers CCC, PCC, RMSE and MAE. What is computed before "
        "anything is learnt is shared by all folds; it is computed again when a run "
        "goes on.",
        (
            "evaluate my.csv --encoder encoder.onnx --report results",
            "evaluate emodb path/to/emodb --system attention_blstm_fcn --checkpoint "
            "folds",
            "evaluate my.csv --system egemaps_svm --option label=emotion",
            "evaluate synthetic --system fcn --seed 0 1 --set classify__max_epochs=5",
            "evaluate my.csv --task regression --target arousal valence",
        ),
        _CORPUS_ARGUMENTS
        | _SYSTEM_ARGUMENTS
        | _TASK_ARGUMENTS
        | {
            "--seed": {
                "nargs": "+",
                "default": [0],
                "help": "one run with each (default: 0)",
            },
            "--validation": {},
            "--checkpoint": {},
            "--jobs": {
                "help": "recordings that are read, and folds that are run, at a time; "
                "each fold takes a process and its memory; -1 for all processors "
                "(default: %(default)s)",
            },
            "--format": {"choices": tuple(REPORTS), "default": "markdown"},
            "--output": _RESULT_FILE,
            "--report": {},
            "--option": {},
        },
        ("systems", "corpora"),
    ),
    "extract": _Command(
        _commands.extract,
        "compute the features of recordings",
        "Without --system these are the 743 features of the paper, a row for each "
        "frame; otherwise what a system computes before it learns. A CSV file has the "
        "columns file, frame and the features. An NPZ file has the arrays files, "
        "columns, n_frames (of each file) and features (the rows of all files, one "
        "below the other).",
        (
            "extract recordings/ --output features.npz",
            "extract a.wav b.flac --system egemaps_svm --output features.csv",
        ),
        {"recordings": {}}
        | _SYSTEM_ARGUMENTS
        | {"--system": {"default": "attention_blstm_fcn"}}
        | {"--jobs": {}}
        | {"--output": {"type": feature_file, "help": "ends with .npz or .csv"}},
        ("systems",),
    ),
    "train": _Command(
        _commands.train,
        "fit a system on a whole corpus and save it",
        "The file holds data only and can run no code; skser.load reads it. It is "
        "written as a whole or not at all.",
        (
            "train my.csv --encoder encoder.onnx --output model.skser",
            "train synthetic --output model.skser --option n_speakers=3",
            "train my.csv --task regression --target arousal --output model.skser",
        ),
        _CORPUS_ARGUMENTS
        | _SYSTEM_ARGUMENTS
        | _TASK_ARGUMENTS
        | {"--seed": {}, "--jobs": {}, "--output": {"help": "file for the system"}}
        | {"--option": {}},
        ("systems", "corpora"),
    ),
    "predict": _Command(
        _commands.predict,
        "predict the emotions of recordings, or numbers such as arousal",
        "A row for each recording, with its file as it was named; a system of numbers "
        "gives a column for each target. With --window or "
        "--segments, a row for each window or segment, with its start and end in "
        "seconds; textgrid (for Praat, of one recording) and rttm have the parts in "
        "which the emotion is the same.",
        (
            "predict a.wav b.wav --model model.skser",
            "predict interview.wav --model model.skser --window 3 --hop 1 --format "
            "textgrid --output interview.TextGrid",
            "predict recordings/ --model model.skser --proba --format csv --output "
            "emotions.csv",
        ),
        {"recordings": {}, "--model": {}, "--proba": {}, "--speakers": {}}
        | {"--window": {}, "--hop": {}, "--segments": {}, "--smoothing": {}}
        | {"--activity": {}}
        | {"--jobs": {"help": _TIMELINE_JOBS, "default": None}}
        | {"--format": {"choices": (*TABLES, *TIMELINE_FORMATS), "default": "table"}}
        | {"--output": _RESULT_FILE}
        | {
            "--set": {
                "help": "other parameters of the steps of the saved system, such as "
                "load__max_duration=None"
            }
        },
    ),
    "list": _Command(
        _commands.list_names,
        "list systems and corpora, or the parameters of a system",
        "The parameters of a system are those that --set takes, with their defaults.",
        ("list", "list attention_blstm_fcn"),
        {"system": {"help": "list its parameters"}},
    ),
    "export-encoder": _Command(
        _commands.export_encoder,
        "make a file for PretrainedFeatures of a published speech model",
        "For checkpoints of Whisper, wav2vec 2.0, HuBERT and WavLM in the format of "
        "transformers. The ONNX file takes waveforms and gives the layers named. It "
        "needs torch, transformers, onnx and onnxruntime (the extra 'export'); using "
        "the file needs onnxruntime only.",
        (
            "export-encoder path/to/whisper-base --layers 2 3 4 --output encoder.onnx",
            "export-encoder openai/whisper-base --download --layers 3 --precision "
            "float16 --output encoder.onnx",
        ),
        {"source": {}, "--layers": {}, "--precision": {}, "--pad": {}, "--licence": {}}
        | {"--download": {}, "--output": {"help": "the ONNX file"}},
    ),
}
_LISTS = {"systems": SYSTEMS, "corpora": CORPORA}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        """Say what is wrong and where the rest can be read."""
        self.exit(2, f"{self.prog}: error: {message} (--help explains)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Returns
    -------
    parser : argparse.ArgumentParser
        What it parses has the attribute `run`, the function of the command.

    Examples
    --------
    >>> from skser.command_line import make_parser
    >>> make_parser().parse_args(["evaluate", "synthetic"]).format
    'markdown'
    """
    parser = _Parser(
        prog=PROGRAM,
        description="Speech emotion recognition: the functions of the package skser "
        "for the command line. Results go to the standard output, progress to the "
        "standard error.",
        epilog=f"'{PROGRAM} COMMAND --help' explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"skser {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    for name, command in _COMMANDS.items():
        examples = "".join(f"\n  {PROGRAM} {example}" for example in command.examples)
        epilog = f"examples:{examples}"
        for kind in command.lists:
            names = textwrap.fill(
                ", ".join(_LISTS[kind]),
                _WIDTH,
                initial_indent="  ",
                subsequent_indent="  ",
            )
            epilog += f"\n\n{kind}:\n{names}"
        parser_of_command = commands.add_parser(
            name,
            help=command.summary,
            description=textwrap.fill(
                f"{command.summary.capitalize()}. {command.details}", _WIDTH
            ),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        arguments = command.arguments | {name: {} for name in _COMMON}
        for argument, differences in arguments.items():
            parser_of_command.add_argument(
                argument, **(_ARGUMENTS[argument] | differences)
            )
        parser_of_command.set_defaults(run=command.run)
    return parser
