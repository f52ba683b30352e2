"""Says at once that a Python is too old: an old pip finds out after everything is downloaded, and does not say it."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("codex-mcp-server needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031

from setuptools import setup

setup()
