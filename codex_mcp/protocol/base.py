"""What all models of the interface share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """snake_case in Python, camelCase on the wire. Unknown keys are ignored, as the released server did.

    Strict: a number is not taken for a string, nor a string for a bool.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        defer_build=True,
        serialize_by_alias=True,
        json_schema_serialization_defaults_required=True,
    )

    other_spellings: ClassVar[frozenset[str]] = frozenset()
    """Keys that are read although no field has them."""

    def to_wire(self) -> dict[str, Any]:
        """As sent: every field, null where there is no value."""
        return self.model_dump(mode="json")


class SnakeModel(WireModel):
    """Objects whose keys are snake_case on the wire too: everything inside an event."""

    model_config = ConfigDict(alias_generator=None, json_schema_serialization_defaults_required=False)


def _uuid(value: str) -> str:
    import uuid

    return str(uuid.UUID(value))


Uuid = Annotated[str, AfterValidator(_uuid), Field(json_schema_extra={"format": "uuid"})]
"""A UUID string; conversation, subscription and login ids are these."""


class Empty(WireModel):
    """`{}`."""
