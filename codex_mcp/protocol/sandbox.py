"""`sandboxPolicy`: what a command of a turn may touch."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from codex_mcp.protocol.base import WireModel


class _Policy(WireModel):
    # 0.53 tags policies by `mode`, later releases and the published document by `type`
    other_spellings: ClassVar[frozenset[str]] = frozenset({"type"})
    model_config = ConfigDict(alias_generator=None)


class ReadOnlyPolicy(_Policy):
    """Nothing may be written, no network."""

    mode: Literal["read-only"] = "read-only"


class WorkspaceWritePolicy(_Policy):
    """The working directory and `writable_roots` may be written; the temporary directories too, unless excluded."""

    mode: Literal["workspace-write"] = "workspace-write"
    writable_roots: list[str] = Field(default_factory=list)
    network_access: bool = False
    exclude_tmpdir_env_var: bool = False
    exclude_slash_tmp: bool = False


class FullAccessPolicy(_Policy):
    """No sandbox."""

    mode: Literal["danger-full-access"] = "danger-full-access"


def _tag(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("mode", value.get("type"))
    return getattr(value, "mode", None)


SandboxPolicy = Annotated[
    Annotated[ReadOnlyPolicy, Tag("read-only")]
    | Annotated[WorkspaceWritePolicy, Tag("workspace-write")]
    | Annotated[FullAccessPolicy, Tag("danger-full-access")],
    Discriminator(_tag),
]
