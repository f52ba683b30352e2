"""The user's config.toml as clients see it, and the models they can choose from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from codex_mcp.protocol.base import WireModel
from codex_mcp.protocol.choices import ApprovalPolicy, ReasoningEffort, ReasoningSummary, SandboxMode, Verbosity


class SandboxSettings(WireModel):
    """`[sandbox_workspace_write]`."""

    writable_roots: list[str] = Field(default_factory=list)
    network_access: bool | None = False
    exclude_tmpdir_env_var: bool | None = False
    exclude_slash_tmp: bool | None = False


class Tools(WireModel):
    """`[tools]`."""

    web_search: bool | None = None
    view_image: bool | None = None


class Profile(WireModel):
    """`[profiles.NAME]`."""

    model: str | None = None
    model_provider: str | None = None
    approval_policy: ApprovalPolicy | None = None
    model_reasoning_effort: str | None = None
    model_reasoning_summary: ReasoningSummary | None = None
    model_verbosity: Verbosity | None = None
    chatgpt_base_url: str | None = None


class UserSavedConfig(WireModel):
    """What config.toml says; null where it says nothing."""

    approval_policy: ApprovalPolicy | None = None
    sandbox_mode: SandboxMode | None = None
    sandbox_settings: SandboxSettings | None = None
    forced_chatgpt_workspace_id: str | None = None
    forced_login_method: Literal["chatgpt", "api"] | None = None
    model: str | None = None
    model_reasoning_effort: str | None = None
    model_reasoning_summary: ReasoningSummary | None = None
    model_verbosity: Verbosity | None = None
    tools: Tools | None = None
    profile: str | None = None
    profiles: dict[str, Profile] = Field(default_factory=dict)


class GetUserSavedConfigResult(WireModel):
    """The saved configuration."""

    config: UserSavedConfig


class SetDefaultModelParams(WireModel):
    """The model and effort of later conversations. A key that is missing or null is removed from the file."""

    model: str | None = None
    reasoning_effort: ReasoningEffort | None = None


class ModelListParams(WireModel):
    """Page through the models; `limit` is another word for `pageSize`."""

    page_size: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=0)] | None = None
    cursor: str | None = None
    """`nextCursor` of the page before: the index of the first model."""


class ReasoningEffortOption(WireModel):
    """An effort that a model supports."""

    reasoning_effort: str
    description: str


class Model(WireModel):
    """A model."""

    id: str
    model: str
    display_name: str
    description: str
    supported_reasoning_efforts: list[ReasoningEffortOption]
    default_reasoning_effort: str
    is_default: bool


class ModelListResult(WireModel):
    """A page."""

    items: list[Model]
    next_cursor: str | None
