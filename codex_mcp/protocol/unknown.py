"""Fields that a client sent and nobody reads: ignored, as the released server did, but told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codex_mcp.protocol.base import WireModel
from codex_mcp.wire.messages import JsonObject


def unknown_fields(params: WireModel, raw: Any) -> list[str]:
    """Paths of the fields of `raw` that `params`, which was read from it, does not have; `_meta` and its like are
    nobody's business here. With the field that was probably meant, if there is one: "`sandboxx` (`sandbox`?)"."""
    return list(_unknown(params, raw, ""))


def _unknown(model: WireModel, raw: Any, path: str) -> Iterator[str]:
    if not isinstance(raw, dict):
        return
    fields = type(model).model_fields
    for name, field in fields.items():
        value, given = getattr(model, name), raw.get(field.alias or name, raw.get(name))
        if isinstance(value, WireModel):
            yield from _unknown(value, given, f"{path}{field.alias or name}.")
        elif isinstance(value, list):
            for index, (inner, of) in enumerate(zip(value, given or (), strict=False)):
                if isinstance(inner, WireModel):
                    yield from _unknown(inner, of, f"{path}{field.alias or name}[{index}].")
    aliases = [field.alias or name for name, field in fields.items()]
    for key in raw:
        if key not in {*fields, *aliases, *model.other_spellings} and not key.startswith("_"):
            import difflib  # few clients send any

            meant = difflib.get_close_matches(key, aliases, 1)
            yield f"`{path}{key}`" + (f" (`{meant[0]}`?)" if meant else "")


def unknown_fields_notice(method: str, fields: list[str]) -> JsonObject:
    """The event (`msg`) that tells of them."""
    text = f"{method}: ignored unknown {'field' if len(fields) == 1 else 'fields'} {', '.join(fields)}"
    return {"type": "background_event", "message": text}
