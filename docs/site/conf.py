"""Settings of Sphinx, which makes a site of README.md, docs/*.md and the docstrings, all of them as they are.

    sphinx-build -W --keep-going -c docs/site . build/site

The checkout is the source folder, so that a link from a page to a page, a file or a heading is the same on
the site and on a forge.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import twisted_chat

CHECKOUT = Path(__file__).parents[2]

project = "twisted_chat"
version = release = twisted_chat.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "benchmarks/*.md", "docs/site/*.rst"]

myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]  # diagrams, as forges draw them
highlight_language = "text"
default_role = "code"  # for `words` in docstrings

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"twisted_chat {release}"
html_additional_pages = {"index": "to_readme.html"}
html_show_copyright = False
templates_path = ["."]


def add_contents(_: Sphinx, name: str, source: list[str]) -> None:
    """Add to the README what the sidebar lists: the pages that it links to, in that order, the others and the API."""
    if name != root_doc:
        return
    linked = re.findall(r"\]\(([\w/]+)\.md[#)]", source[0])
    others = (path.relative_to(CHECKOUT).with_suffix("") for path in sorted(CHECKOUT.glob("docs/*.md")))
    pages = dict.fromkeys([*linked, *map(str, others), "SECURITY", "docs/site/api"])
    source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"


def skip_member(_app: Sphinx, _what: str, _name: str, member: Any, _skip: bool, _options: object) -> bool | None:
    """Leave out the fields of named tuples, which their signature shows."""
    return True if str(getattr(member, "__doc__", "")).startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Register the kinds of blocks that the pages have, and the functions above."""
    for kind in ("chat", "irc"):
        app.add_lexer(kind, TextLexer)
    app.connect("source-read", add_contents)
    app.connect("autodoc-skip-member", skip_member)
