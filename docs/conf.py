"""Sphinx settings; the references are generated from the code by ``_ext/generate.py``."""

import sys
from pathlib import Path

from pydantic import BaseModel
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import generate

from reglab import __version__

project = "reglab"
author = "the reglab authors"
version = release = __version__
extensions = ["mathml", "myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# The notes are part of claims.md.
exclude_patterns = ["_build", "_ext", "claims-notes.md"]

html_theme = "furo"
html_title = f"reglab {__version__}"
html_show_sphinx = False
html_copy_source = False

myst_enable_extensions = ["dollarmath", "fieldlist"]
myst_heading_anchors = 3
# See _ext/mathml.py.
html_math_renderer = "mathml"
# The tests execute the notebook; a build needs no server.
nb_execution_mode = "off"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "inherited-members": "BaseModel"}
napoleon_google_docstring = True
napoleon_numpy_docstring = False


def _plain(description: str | None) -> str:
    # Bars would be substitutions to docutils.
    return (description or "").replace("|", r"\|")


def _fields(
    app: Sphinx, what: str, name: str, obj: type, options: object, lines: list[str]
) -> None:
    """List a model's fields with their descriptions under its docstring."""
    if what == "class" and issubclass(obj, BaseModel):
        lines += ["", *(f":ivar {n}: {_plain(f.description)}" for n, f in obj.model_fields.items())]


def _skip_fields(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool:
    return True if name in ("model_config", "array_fields") else skip


def setup(app: Sphinx) -> None:
    """Write the generated pages, then let autodoc know models."""
    generate.write_all(Path(app.srcdir))
    app.connect("autodoc-process-docstring", _fields)
    app.connect("autodoc-skip-member", _skip_fields)
