"""What a user sends in a turn: `items` of sendUserMessage and sendUserTurn."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from codex_mcp.protocol.base import WireModel


class TextData(WireModel):
    """`data` of a text item."""

    text: str


class ImageData(WireModel):
    """`data` of an image item: a data URL or an https URL. Both spellings of the key are taken."""

    other_spellings: ClassVar[frozenset[str]] = frozenset({"imageUrl"})

    image_url: str = Field(alias="image_url")

    @model_validator(mode="before")
    @classmethod
    def _camel_case_too(cls, value: Any) -> Any:
        if isinstance(value, dict) and "imageUrl" in value and "image_url" not in value:
            return {**value, "image_url": value["imageUrl"]}
        return value


class LocalImageData(WireModel):
    """`data` of a local image item: a path on this machine."""

    path: str


class _Item(WireModel):
    other_spellings: ClassVar[frozenset[str]] = frozenset({"text", "image_url", "imageUrl", "path"})

    @model_validator(mode="before")
    @classmethod
    def _flat_form_too(cls, value: Any) -> Any:
        """`{"type":"text","text":…}`, the form of the published document, is `{"type":"text","data":{"text":…}}`."""
        if isinstance(value, dict) and "data" not in value and len(value) > 1:
            return {"type": value.get("type"), "data": {k: v for k, v in value.items() if k != "type"}}
        return value


class TextItem(_Item):
    """Text of the user."""

    type: Literal["text"] = "text"
    data: TextData


class ImageItem(_Item):
    """An image by URL."""

    type: Literal["image"] = "image"
    data: ImageData


class LocalImageItem(_Item):
    """An image file of this machine. One that cannot be read is no error: the model is told so."""

    type: Literal["localImage"] = "localImage"
    data: LocalImageData


InputItem = Annotated[TextItem | ImageItem | LocalImageItem, Field(discriminator="type")]


def text(value: str) -> TextItem:
    """The item for plain text."""
    return TextItem(data=TextData(text=value))


def image(url: str) -> ImageItem:
    """The item for an image by URL: `data:…` or `https://…`."""
    return ImageItem(data=ImageData(image_url=url))


def local_image(path: str) -> LocalImageItem:
    """The item for an image file of the server's machine."""
    return LocalImageItem(data=LocalImageData(path=path))
