"""Pictures, sound and documents of a content, as chat's parts.

https://ai.google.dev/api/caching#Part
"""

from collections.abc import Mapping
from typing import Any

from extproc.domain.call import Json
from extproc.providers.chat import wrong
from extproc.providers.generate.blob import decoded, standard
from extproc.providers.generate.fields import camel, text

_DETAILS: Mapping[str, str] = {
    "MEDIA_RESOLUTION_LOW": "low",
    "MEDIA_RESOLUTION_HIGH": "high",
    "MEDIA_RESOLUTION_ULTRA_HIGH": "high",
}
_AUDIO_FORMATS: Mapping[str, str] = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "x-m4a": "m4a"}
_GOOGLES_OWN = ("gs://", "https://generativelanguage.googleapis.com/")
"""URIs that only Google can read."""


def detail(part: Json, resolution: Any) -> str | None:
    """OpenAI's `detail` for a part's mediaResolution, else for the request's."""
    own = part.get("mediaResolution")
    level = camel(own).get("level") if isinstance(own, dict) else own
    return _DETAILS.get(str(level or resolution))


def inline(blob: Json, where: str, image_detail: str | None) -> Json:
    """The part for bytes. A text is a text, whatever its format."""
    kind = _mime(blob, where)
    data = standard(text(blob, "data", where))
    if data is None:
        raise wrong(f"{where}.data", "base64")
    major, _, minor = kind.partition("/")
    if major == "image":
        return _image(f"data:{kind};base64,{data}", image_detail)
    if major == "audio":
        audio = {"data": data, "format": _AUDIO_FORMATS.get(minor, minor)}
        return {"type": "input_audio", "input_audio": audio}
    if major == "text":
        return {"type": "text", "text": (decoded(data) or b"").decode("utf-8", "replace")}
    name = blob.get("displayName")
    filename = name if isinstance(name, str) and name else f"file.{minor}"
    data_url = f"data:{kind};base64,{data}"
    return {"type": "file", "file": {"filename": filename, "file_data": data_url}}


def file(value: Json, where: str, image_detail: str | None) -> Json:
    """The part for a URI. Raises InvalidRequest for one that only Google can read."""
    uri = text(value, "fileUri", where)
    if uri.startswith(_GOOGLES_OWN):
        raise wrong(f"{where}.fileUri", "a URL that every provider can read")
    kind = _mime(value, where) if "mimeType" in value else ""
    if kind.startswith("image/"):
        return _image(uri, image_detail)
    known = {"format": kind} if kind else {}
    return {"type": "file", "file": {"file_id": uri, **known}}


def _mime(value: Json, where: str) -> str:
    """The media type without its parameters."""
    return text(value, "mimeType", where).partition(";")[0].strip().lower()


def _image(url: str, image_detail: str | None) -> Json:
    image = {"url": url, "detail": image_detail} if image_detail else {"url": url}
    return {"type": "image_url", "image_url": image}
