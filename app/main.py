"""The script that Streamlit runs, see vidremove/cli/app.py."""

from importlib import import_module
from importlib.util import find_spec

installed = find_spec("vidremove.app") is not None  # else a checkout, where the folder is beside the package
import_module("vidremove.app.page" if installed else "app.page").show()
