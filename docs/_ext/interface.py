"""What is public: the modules of the interface, their names, and one page for each.

The pages are written from ``__all__`` each time that the documentation is built, so
that no public name can be missing. A name that several modules have is explained once,
and found from all of them.
"""

import functools
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

# Module -> what its page says first, and what it needs, in the order of the signal.
MODULES = {
    "skser": ("The names that are needed most.", None),
    "skser.audio": ("Recordings become signals.", None),
    "skser.framing": ("Signals become frames.", None),
    "skser.features": ("Frames become features.", None),
    "skser.out_of_core": ("Corpora larger than memory become features.", None),
    "skser.whitening": ("Features become whitened components.", None),
    "skser.normalization": ("Features are scaled.", None),
    "skser.networks": (
        "Networks as functions from sizes to Keras models. Importing this module "
        "imports TensorFlow.",
        None,
    ),
    "skser.classifiers": ("Arrays in, labels out.", None),
    "skser.regressors": ("Arrays in, arousal, valence and other numbers out.", None),
    "skser.ensembles": (
        "Votes, training on perturbed copies, and refusing to answer.",
        None,
    ),
    "skser.ivectors": ("One vector for an utterance of any length.", None),
    "skser.metrics": (
        "UA and WA, calibration error, accuracy over coverage, scores against soft "
        "labels, CCC of dimensions.",
        None,
    ),
    "skser.model_selection": ("Folds, evaluations and comparisons.", None),
    "skser.model_selection.perturbations": (
        "Gain, filters, noise and codecs for test recordings.",
        None,
    ),
    "skser.annotations": (
        "Votes of annotators become soft labels, majorities, measures of agreement.",
        None,
    ),
    "skser.systems": ("Whole systems, each a function returning a Pipeline.", None),
    "skser.datasets": ("Corpora on disk, and a synthetic one.", None),
    "skser.persistence": ("Files that cannot run code.", None),
    "skser.storage": ("Caches, checkpoints, and when they are out of date.", None),
    "skser.timeline": ("Answers along time: long recordings, live audio.", None),
    "skser.plotting": ("Displays. They need matplotlib.", "matplotlib"),
    "skser.scikeras": (
        "The networks inside scikeras. It needs scikeras.",
        "scikeras",
    ),
    "skser.exceptions": ("Errors and warnings that have names.", None),
}
# The names of other libraries that are linked to.
INVENTORIES = Path(__file__).parents[1] / "inventories"
# Public names that are neither classes nor functions have no docstrings.
DATA = {
    "skser.features.CATALOGUE": "The 27 features by their names, in the order of the "
    "columns: a mapping of str to :class:`~skser.features.Feature`.",
    "skser.metrics.DISTRIBUTION_SCORERS": "The scorers "
    '``"neg_soft_cross_entropy"`` and ``"neg_JSD"``, against soft labels: dict of str '
    "to scorer.",
    "skser.metrics.PROBABILITY_SCORERS": 'The scorer ``"neg_ECE"``, for classifiers '
    "with ``predict_proba``: dict of str to scorer.",
    "skser.metrics.REGRESSION_SCORERS": 'The scorers ``"CCC"``, ``"PCC"`` and '
    '``"neg_RMSE"``, for regressors: dict of str to scorer.',
    "skser.metrics.SCORERS": 'The scorers ``"UA"`` and ``"WA"``, for ``scoring=`` of '
    "``cross_validate`` and ``GridSearchCV``: dict of str to scorer.",
    "skser.model_selection.SYNONYMS": "Emotions and their other names in corpora, in "
    "lower case: read-only mapping of str to tuple of str.",
    "skser.model_selection.perturbations.PERTURBATIONS": "The usual perturbations by "
    "their names: dict of str to function of (signal, sample_rate).",
    "skser.systems.N_COMPONENTS": "Number of whitened components of the paper's system "
    "and its relatives: int.",
    "skser.systems.OWN": "The provenance of figures that the paper's authors measured "
    "themselves: str.",
    "skser.systems.PUBLISHED": "The figures that the paper prints: list of "
    ":class:`~skser.systems.Published`.",
    "skser.timeline.SMOOTHINGS": "What `smoothing` may be called: dict of str to "
    "function.",
    "skser.systems.TASKS": "What systems predict: classes or numbers: tuple of str.",
    "skser.systems.SYSTEMS": "Every system by its name, in the order of the paper's "
    "tables: read-only mapping of str to function.",
}
_MODULE = """\
{title}
{line}

{lead}

.. module:: {module}
"""
_SUMMARY = """
.. rubric:: {heading}

.. autosummary::
   :toctree: generated/

{names}
"""


def present_modules():
    """Return the modules of the interface that can be imported here."""
    return [
        module
        for module, (_, needs) in MODULES.items()
        if find_spec(module) and (needs is None or find_spec(needs))
    ]


def public_names(module):
    """Return what a module offers: its ``__all__``, or what it defines itself."""
    module = import_module(module)
    own = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", None) == module.__name__
    ]
    return [name for name in getattr(module, "__all__", own) if name[:2] != "__"]


def documented_names():
    """Return id of an object -> the full name under which it is explained."""
    names = {}
    for module in present_modules():
        for name in public_names(module):
            value = getattr(import_module(module), name)
            if not hasattr(value, "__path__"):
                names.setdefault(id(value), f"{module}.{name}")
    return names


@functools.cache
def list_links():
    """Return a name as prose and types have it -> the full name that it is linked to.

    They are public classes, names of other libraries that an inventory has, and those
    of scikit-learn without their module.
    """
    foreign = [
        line.split()[0]
        for path in sorted(INVENTORIES.glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    known = {name.rpartition(".")[2]: name for name in foreign if name[:3] == "skl"}
    known |= {name: name for name in foreign} | {"ndarray": "numpy.ndarray"}
    names = documented_names()
    for module in present_modules():
        for name in public_names(module):
            value = getattr(import_module(module), name)
            if isinstance(value, type):
                known[name] = names[id(value)]
    return known


def _link_names(app, doctree):
    """Make links of names in prose: whose `Pipeline` it is need not be said."""
    known = list_links()
    for node in [
        *doctree.findall(nodes.literal),
        *doctree.findall(nodes.title_reference),
    ]:
        target = known.get(node.astext())
        is_plain = isinstance(node.parent, (nodes.paragraph, nodes.entry))
        if target is None or not is_plain:
            continue
        link = pending_xref(
            "", refdomain="py", reftype="obj", reftarget=target, refexplicit=True,
            refdoc=app.env.docname, refwarn=False,
        )  # fmt: skip
        text = nodes.literal("", node.astext(), classes=["xref", "py", "py-obj"])
        node.replace_self(link)
        link += text


def write_if_changed(path, content):
    """Write a file, unless it is as it should be: Sphinx goes by the time of change."""
    path = Path(path)
    content = content.encode() if isinstance(content, str) else content
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _write_pages(app, config):
    """Write a page for each module, and their table of contents."""
    folder = Path(app.srcdir) / "api"
    names = documented_names()
    modules = present_modules()
    for module in modules:
        write_if_changed(folder / f"{module}.rst", _module_page(module, names))
    entries = "".join(f"   {module}\n" for module in modules)
    title = "API"
    write_if_changed(
        folder / "index.rst",
        f"{title}\n{'=' * len(title)}\n\nEvery public name, by module, in the order of "
        "the signal. What the classes inherit from scikit-learn (``get_params``, "
        "``set_params``, ``fit_transform`` ...) is left out.\n\n.. toctree::\n"
        f"   :maxdepth: 1\n\n{entries}",
    )


def _module_page(module, names):
    """Return the page of a module."""
    kinds = {"Classes": [], "Functions": [], "Data": [], "Elsewhere": []}
    for name in public_names(module):
        value = getattr(import_module(module), name)
        if hasattr(value, "__path__") or _is_module_of_its_own(module, name):
            continue
        if names[id(value)] != f"{module}.{name}" and f"{module}.{name}" not in DATA:
            kinds["Elsewhere"].append(names[id(value)])
        elif isinstance(value, type):
            kinds["Classes"].append(name)
        elif callable(value):
            kinds["Functions"].append(name)
        else:
            kinds["Data"].append(name)
    page = _MODULE.format(
        title=module,
        line="=" * len(module),
        lead=MODULES[module][0].replace("`", "``"),
        module=module,
    )
    for heading in ("Classes", "Functions"):
        if kinds[heading]:
            entries = "\n".join(f"   {name}" for name in kinds[heading])
            page += _SUMMARY.format(heading=heading, names=entries)
    if kinds["Data"]:
        page += "\n.. rubric:: Data\n"
    for name in kinds["Data"]:
        page += f"\n.. py:data:: {name}\n\n   {DATA[f'{module}.{name}']}\n"
    if kinds["Elsewhere"]:
        links = ", ".join(f":obj:`{name}`" for name in kinds["Elsewhere"])
        page += f"\nAlso importable from here: {links}.\n"
    return page


def _is_module_of_its_own(module, name):
    """Tell whether a public name is a module, which has a page of its own."""
    return f"{module}.{name}" in MODULES


def _find_elsewhere(app, env, node, contnode):
    """Resolve a name that is explained under another one."""
    if node.get("refdomain") != "py" or not env.config.autosummary_generate:
        return None
    full_name = _other_name(node["reftarget"], node.get("py:module"))
    if full_name is None:
        return None
    domain = env.get_domain("py")
    matches = domain.find_obj(env, None, None, full_name, "obj", 0)
    if not matches:
        return None
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", full_name, node, contnode
    )


def _other_name(target, module):
    """Return the name under which the object of a name is explained, or None."""
    for start in (target, f"{module}.{target}", f"skser.{target}"):
        parts, rest = start.split("."), []
        while len(parts) > 1:
            value = _import(".".join(parts))
            if value is not None:
                names = documented_names()
                if id(value) in names:
                    return ".".join([names[id(value)], *rest])
            rest.insert(0, parts.pop())
    return None


def _import(name):
    """Return the object of a full name of this package, or None."""
    module, _, attribute = name.rpartition(".")
    if not module.startswith("skser"):
        return None
    try:
        return getattr(import_module(module), attribute, None)
    except ImportError:
        return None


def _module_of(member):
    """Return the module in which a member was defined, if it says so."""
    member = member.fget if isinstance(member, property) else member
    member = getattr(member, "__func__", member)
    return getattr(member, "__module__", None) or ""


def _skip(app, what, name, member, skip, options):
    """Leave out what scikit-learn, NumPy or Python bring to a class."""
    if name.startswith("_"):
        return None
    return None if _module_of(member).startswith("skser") else True


def setup(app):
    """Write the pages before Sphinx looks for files."""
    app.connect("config-inited", _write_pages)
    app.connect("doctree-read", _link_names)
    app.connect("autodoc-skip-member", _skip)
    app.connect("missing-reference", _find_elsewhere)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
