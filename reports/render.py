"""Templates, and Markdown and names as HTML. Nothing that comes from a table is read as markup."""

import re
from pathlib import Path

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.policies["json.dumps_kwargs"] = {}  # what has an order keeps it
MARKDOWN: jinja2.Environment = TEMPLATES.overlay(autoescape=False)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")  # an image is a request


def html(markdown: str) -> Markup:
    return Markup(_MARKDOWN.render(markdown))


def breakable(name: str) -> Markup:
    """Names that may go on in the next line after a dot."""
    return Markup(re.sub(r"\.(?=[A-Za-z_])", ".<wbr>", str(escape(name))))
