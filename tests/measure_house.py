"""Measure how the package is built: files, functions, private names and repeated lines.

Run it from the root of the repository, on any commit::

    python tests/measure_house.py              # the counts of skser/
    python tests/measure_house.py --folders    # a line for each folder
    python tests/measure_house.py --fit        # what one fit of the paper's system runs

A line of code is a line that is neither blank nor a comment nor part of a docstring. A
private helper is a function or method whose name begins with one underscore. Two runs
are alike if six or more lines of code follow each other in both, alike to the letter
or, with names, numbers and strings replaced, of one shape.
"""

import argparse
import ast
import inspect
import io
import itertools
import keyword
import re
import sys
import tempfile
import threading
import tokenize
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "skser"
LIBRARIES = ("sklearn", "joblib", "keras", "tensorflow", "opensmile", "librosa")
N_SHARED_LINES = 6


def main():
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folders", action="store_true", help="a line per folder")
    parser.add_argument("--fit", action="store_true", help="trace one fit as well")
    arguments = parser.parse_args()
    files = [SourceFile(path) for path in sorted(PACKAGE.rglob("*.py"))]
    print(f"{'':24}files  lines   code  functions  private  annotated")
    if arguments.folders:
        folders = defaultdict(list)
        for file in files:
            folders[file.path.parent.relative_to(ROOT)].append(file)
        for folder, members in folders.items():
            print_counts(str(folder), members)
    print_counts("skser, all", files)
    thousands = sum(len(file.code_lines) for file in files) / 1000
    n_private = sum(file.n_private for file in files)
    print(f"files per thousand lines of code: {len(files) / thousands:.1f}")
    print(f"private helpers per thousand lines of code: {n_private / thousands:.1f}")
    foreign = [use for file in files for use in file.find_private_names()]
    print(f"private names of libraries outside _compat.py: {len(foreign)}")
    for use in foreign[:20]:
        print(f"  {use}")
    print(f"pairs of files that share a run of lines: {count_similar_runs(files)}")
    imports = count_private_imports(ROOT / "tests")
    print(f"imports of private modules in tests: {imports}")
    if arguments.fit:
        calls = trace_fit()
        places = {place for place, _ in calls}
        print(f"one fit runs {len(calls)} functions of skser in {len(places)} files")
        for place, count in sorted(Counter(place for place, _ in calls).items()):
            print(f"  {count:4} {place}")


def print_counts(name, files):
    """Print the counts of some files in one line."""
    print(
        f"{name:24}{len(files):5}{sum(file.n_lines for file in files):7}"
        f"{sum(len(file.code_lines) for file in files):7}"
        f"{sum(file.n_functions for file in files):11}"
        f"{sum(file.n_private for file in files):9}"
        f"{sum(file.n_annotated for file in files):11}"
    )


class SourceFile:
    """What is counted of one file."""

    def __init__(self, path):
        self.path = path
        text = path.read_text("utf-8")
        self.tree = ast.parse(text)
        self.n_lines = len(text.splitlines())
        self.code_lines = find_code_lines(text, self.tree)
        functions = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        self.n_functions = len(functions)
        self.n_private = sum(is_private(node.name) for node in functions)
        self.n_annotated = sum(
            node.returns is not None
            or any(argument.annotation for argument in node.args.args)
            for node in functions
        )

    def find_private_names(self):
        """Return the private names of libraries that the file uses."""
        if self.path.name == "_compat.py":
            return []
        found = []
        place = self.path.relative_to(ROOT)
        modules = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and is_of_library(node.module):
                modules |= {alias.asname or alias.name for alias in node.names}
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    if any(is_private(part) for part in name.split(".")):
                        found.append(f"{place}:{node.lineno} {name}")
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if is_of_library(alias.name):
                        modules.add(alias.asname or alias.name.split(".")[0])
        own = {
            node.name
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        }
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Attribute) or not is_private(node.attr):
                continue
            root = node.value
            while isinstance(root, ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name) and root.id in modules - own:
                found.append(f"{place}:{node.lineno} {ast.unparse(node)}")
        return found


def find_code_lines(text, tree):
    """Return the lines of code, without indentation."""
    documented = set()
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            documented |= set(range(docstring.lineno, docstring.end_lineno + 1))
    return [
        line.strip()
        for number, line in enumerate(text.splitlines(), 1)
        if number not in documented
        and line.strip()
        and not line.strip().startswith("#")
    ]


def is_private(name):
    """Tell whether a name begins with one underscore."""
    return name.startswith("_") and not name.startswith("__")


def is_of_library(module):
    """Tell whether a module belongs to a library that we stand on."""
    return module is not None and module.split(".")[0] in LIBRARIES


def count_similar_runs(files):
    """Return the number of pairs of files that share a run of six lines or more.

    A file may be paired with itself. Docstrings count; runs that stand in more than
    eight places are thin and do not.
    """
    windows = defaultdict(set)
    for i, file in enumerate(files):
        text = file.path.read_text("utf-8")
        lines = [shape(line.strip()) for line in text.splitlines() if counts(line)]
        for start in range(len(lines) - N_SHARED_LINES + 1):
            windows[tuple(lines[start : start + N_SHARED_LINES])].add((i, start))
    pairs = set()
    for places in windows.values():
        if len(places) <= 8:
            for first, second in itertools.combinations(sorted(places), 2):
                if first[0] != second[0] or second[1] - first[1] >= N_SHARED_LINES:
                    pairs.add((first[0], second[0]))
    return len(pairs)


def counts(line):
    """Tell whether a line says something: no import, no lone punctuation."""
    line = line.strip()
    return re.search(r"\w", line) and not line.startswith(("import ", "from ", "#"))


def shape(line):
    """Return a line with its names, numbers and strings replaced."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line).readline))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return re.sub(r"\w+", "n", line)
    words = {tokenize.NAME: "n", tokenize.NUMBER: "0", tokenize.STRING: "s"}
    return " ".join(
        token.string
        if token.type == tokenize.NAME and keyword.iskeyword(token.string)
        else words.get(token.type, token.string)
        for token in tokens
        if token.string.strip()
    )


def count_private_imports(folder):
    """Return how often tests import a private module of skser."""
    # ``skser.__main__``, the command line, is public.
    pattern = re.compile(
        r"^\s*(?:from|import) skser(?:\.\w+)*\._(?!_)\w+", re.MULTILINE
    )
    private_name = re.compile(r"^\s*from skser[\w.]* import _(?!_)\w+", re.MULTILINE)
    return sum(
        len(pattern.findall(text)) + len(private_name.findall(text))
        for text in (path.read_text("utf-8") for path in folder.rglob("*.py"))
    )


def trace_fit():
    """Return the functions of skser that a fit of the paper's system runs."""
    sys.path.insert(0, str(ROOT))
    from skser.datasets import make_emotional_speech, write_corpus
    from skser.systems import attention_blstm_fcn

    system = attention_blstm_fcn(random_state=0)
    system.set_params(classify__max_epochs=1)
    corpus = make_emotional_speech(n_speakers=2, random_state=0)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_corpus(corpus, folder)
        return run_and_note(lambda: system.fit(paths, corpus.target))


def run_and_note(run):
    """Return the functions of skser that are called, as (file, name)."""
    calls = set()

    def note(frame, event, _):
        code = frame.f_code
        is_ours = event == "call" and code.co_filename.startswith(str(PACKAGE))
        # Bodies of classes and modules, lambdas and comprehensions have no names.
        is_function = code.co_flags & inspect.CO_NEWLOCALS and code.co_name[0] != "<"
        if is_ours and is_function:
            place = str(Path(code.co_filename).relative_to(ROOT))
            calls.add((place, code.co_qualname))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls


if __name__ == "__main__":
    main()
