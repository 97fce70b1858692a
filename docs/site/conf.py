"""Sphinx's settings for the site that build.py makes."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

import detector
from docs.site.docstrings import as_rst

logger = logging.getLogger(__name__)

project = "thermal-detector"
version = release = detector.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]

# What GitHub's Markdown has and CommonMark lacks.
myst_heading_anchors = 4
myst_fence_as_directive = ["math"]
myst_enable_extensions = ["attrs_block"]

autodoc_member_order = "bysource"
autodoc_use_type_comments = False
autodoc_typehints_format = "short"
maximum_signature_line_length = 70
add_module_names = False
default_role = "py:obj"
highlight_language = "none"

# The packages' pages list modules; a thousand functions in the contents would double the time of a build.
toc_object_entries = False

html_theme = "furo"
html_title = project
html_math_renderer = "mathml"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}


def _docstring(_app: Sphinx, _what: str, _name: str, thing: object, _how: object, lines: list[str]) -> None:
    lines[:] = as_rst(lines, thing)


def _mathml(translator: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """A formula in the page itself: no script, no font, no network."""
    block = isinstance(node, nodes.math_block)
    try:
        formula = latex2mathml.tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        logger.warning("%s: %s", error, node.astext(), location=node)
        raise nodes.SkipNode from error
    formula = _spaced(str(formula))
    translator.body.append(f'<div class="math">{formula}</div>\n' if block else formula)
    raise nodes.SkipNode


def _spaced(formula: str) -> str:
    """A thin space on both sides of a function's name, as in y log p; browsers set none."""
    space = '<mspace width="0.17em"/>'
    formula = re.sub(r"(<mo>&ApplyFunction;</mo>)(?=\s*<m(?:i|n|sub|sup)>)", rf"\1{space}", formula)
    return re.sub(r"(</m(?:i|n|sub|sup)>)(?=\s*<mi>\w+</mi>\s*<mo>&ApplyFunction;)", rf"\1{space}", formula)


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer("mathml", (_mathml, None), (_mathml, None))
    app.connect("autodoc-process-docstring", _docstring)
