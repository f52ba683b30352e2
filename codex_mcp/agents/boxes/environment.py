"""Tells an engine to run commands in a box: the file `environments.toml` of its CODEX_HOME.

Without the local environment there is no way back: commands, patches and MCP servers of the engine have the box or
nothing.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

import tomli_w

from codex_mcp.agents.boxes.model import Endpoint, Program

NAME = "box"
"""Id of the only environment there is."""


def write_environment(codex_home: pathlib.Path, endpoint: Endpoint) -> None:
    """Write the file, in one step and readable by nobody else."""
    environment: dict[str, Any] = {"id": NAME}
    if isinstance(endpoint, Program):
        program, *arguments = endpoint.argv
        environment |= {"program": program, "args": arguments}
    else:
        environment["url"] = endpoint.url
        if endpoint.token is not None:
            environment["auth_bearer_token"] = endpoint.token
    text = tomli_w.dumps({"include_local": False, "default": NAME, "environments": [environment]})
    fresh = codex_home / "environments.toml.new"
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(codex_home / "environments.toml")
