"""What `streamlit run` is given: the page of main.py, and a way to fetch files beside it (files.py)."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from starlette.routing import Route

installed = find_spec("vidremove.app") is not None  # else a checkout, where the folder is beside the package
files = import_module("vidremove.app.files" if installed else "app.files")
app = st.App(Path(__file__).with_name("main.py"), routes=[Route(files.ROUTE, files.send, methods=["GET"])])
