"""Formulas as MathML, which browsers show by themselves: no script, no network.

The conversion is that of docutils.
"""

import re
from html import escape

from docutils.nodes import SkipNode
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)

# What docutils does not know. MathML stretches parentheses by itself.
_UNKNOWN = [
    (re.compile(r"\\[bB]igg?[lr]?(?![a-zA-Z])"), ""),
    (re.compile(r"\\dots\b"), r"\\ldots"),
]


def _convert(node, as_block):
    """Return a formula as MathML; one that cannot be converted is a warning."""
    latex = node.astext()
    for pattern, replacement in _UNKNOWN:
        latex = pattern.sub(replacement, latex)
    try:
        return tex2mathml(latex, as_block=as_block)
    except (MathError, SyntaxError) as error:
        logger.warning("formula not understood: %s: %s", error, latex, location=node)
        return f"<code>{escape(latex)}</code>"


def _visit_inline(self, node):
    """Write a formula within a line."""
    self.body.append(_convert(node, as_block=False))
    raise SkipNode


def _visit_block(self, node):
    """Write a formula on lines of its own."""
    formula = _convert(node, as_block=True)
    self.body.append(f"{self.starttag(node, 'div', CLASS='formula')}{formula}</div>\n")
    raise SkipNode


def setup(app):
    """Register the renderer under the name "mathml"."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
