"""How Sphinx builds the documentation: offline, from the package as it is.

What the code can tell is not written down again: ``_ext/interface.py`` writes the pages
of the modules, ``_ext/features.py`` those of the features, and ``_ext/tables.py`` makes
tables of features, systems and errors. ``_ext/mathml.py`` shows formulas.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import joblib
from interface import list_links
from numpydoc.xref import DEFAULT_LINKS

import skser

# Libraries whose names must be found where the documentation refers to them.
LINKED = ["sklearn", "numpy", "keras", "joblib", "pandas"]

project = "skser"
author = "the skser developers"
copyright = author
version = release = skser.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_parser",
    "sphinxcontrib.bibtex",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "interface",
    "features",
    "tables",
]
exclude_patterns = ["_build", "_ext", "_templates"]
templates_path = ["_templates"]
nitpicky = True
# Types in words ("array-like of shape ..."), and what others document elsewhere.
nitpick_ignore_regex = [
    (r"py:.*", rf"(?!skser|{'|'.join(LINKED)}).*"),
    (r"py:.*", r"skser\..*\._.*"),
]
# The names of other libraries that are linked to. An address of theirs is that of the
# site, what stands in the inventory, and "#name".
intersphinx_mapping = {
    name: (site, f"inventories/{name}.txt")
    for name, site in {
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "keras": "https://keras.io/api/",
        "matplotlib": "https://matplotlib.org/stable/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "python": "https://docs.python.org/3/",
        "scikit-learn": "https://scikit-learn.org/stable/",
    }.items()
}

# Interface
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {word: word for word in DEFAULT_LINKS} | {
    name: f":obj:`{name} <{target}>`" for name, target in list_links().items()
}
toc_object_entries_show_parents = "hide"

# Pages
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"
bibtex_reference_style = "author_year"
html_math_renderer = "mathml"

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",
    "download_all_examples": False,
    # Of an object that is no table or diagram there would be the address only.
    "capture_repr": ("_repr_html_",),
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "reference_url": {"skser": None},
    "nested_sections": False,
    "within_subsection_order": "FileNameSortKey",
    # Examples at a time.
    "parallel": joblib.cpu_count(),
}

# Appearance. Nothing is fetched from elsewhere: no fonts, no scripts, no images.
html_theme = "pydata_sphinx_theme"
html_title = "skser"
html_logo = html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["skser.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "logo": {"text": "skser", "alt_text": "skser, to the first page"},
    "header_links_before_dropdown": 5,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
