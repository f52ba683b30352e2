"""What a tool's arguments ask of a turn: the engine's input and settings."""

from __future__ import annotations

import os
import re

from codex_mcp.bridge.options import TurnOptions
from codex_mcp.errors import CallerError
from codex_mcp.protocol import tools as t
from codex_mcp.surfaces.mcp import structured
from codex_mcp.wire.messages import JsonObject

_DATA_URL = re.compile(r"data:image/[\w.+-]+;base64,")


def input_items(arguments: t.TurnArguments, cwd: str) -> list[JsonObject]:
    """The prompt and the images; a relative path starts at `cwd`. Raises CallerError for an image that is none."""
    images = [_image(image, cwd) for image in arguments.images or ()]
    return [{"type": "text", "text": arguments.prompt}, *images]


def _image(image: str, cwd: str) -> JsonObject:
    if _DATA_URL.match(image):
        return {"type": "image", "url": image}
    if re.match(r"[a-z]{2,}:", image):
        scheme = image.partition(":")[0]
        raise _invalid(f"images are file paths or data:image/…;base64 URLs; `{scheme}:` is not fetched")
    path = os.path.join(cwd, image)
    if not os.path.isfile(path):
        raise _invalid(f"there is no image file {path}")
    return {"type": "localImage", "path": path}


def settings(arguments: t.TurnArguments) -> TurnOptions:
    """The settings that come with the turn. Raises CallerError for an `output-schema` that is no JSON Schema."""
    if arguments.output_schema is not None:
        structured.check_schema(arguments.output_schema)
    return TurnOptions(effort=arguments.effort, output_schema=arguments.output_schema)


def overrides(arguments: t.TurnArguments) -> TurnOptions:
    """As `settings`, with those that a new thread has from its beginning and an old one changes to."""
    return settings(arguments).updated(
        TurnOptions(
            model=arguments.model,
            approval_policy=arguments.approval_policy,
            sandbox_mode=arguments.sandbox,
        )
    )


def notes(arguments: t.TurnArguments) -> list[str]:
    """What of the arguments could not be taken as it is."""
    if arguments.approval_policy == "on-failure":
        return ["approval-policy `on-failure` no longer exists in the engine: `on-request` was used"]
    return []


def _invalid(reason: str) -> CallerError:
    return CallerError(reason, code="invalid_arguments")
