"""Content parts of a chat message as Google's: text, and media inline or by URL.

https://ai.google.dev/gemini-api/docs/file-input-methods
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from extproc.domain.call import Json
from extproc.errors import InvalidRequest
from extproc.providers import chat
from extproc.providers.gemini.sites import Site

TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "m4a": "audio/m4a",
    "mp4": "video/mp4",
    "mov": "video/mov",
    "mpeg": "video/mpeg",
    "webm": "video/webm",
}
FILES_API = "https://generativelanguage.googleapis.com/"
"""Google knows the type of what was uploaded there."""


def media(part: Json, where: str, site: Site) -> Json | None:
    """Google's part; None for an empty text, which it refuses. Raises InvalidRequest."""
    read = _READERS.get(part["type"])
    if read is None:
        raise chat.unsupported_part(where, part)
    return read(part, where, site)


def by_url(url: str, where: str, site: Site, media_type: Any = None) -> Json:
    """A `data:` URL inline, any other by reference, when the site fetches such."""
    if inline := chat.data_url(url, where):
        return {"inlineData": {"mimeType": inline[0], "data": inline[1]}}
    if not url.startswith(site.file_urls):
        allowed = ", ".join(site.file_urls)
        raise chat.wrong(where, f"a data: URL, or one that begins with {allowed}")
    known = media_type if isinstance(media_type, str) else _type_of(url, where)
    return {"fileData": {"mimeType": known, "fileUri": url} if known else {"fileUri": url}}


def _type_of(name: str, where: str) -> str | None:
    """By the extension; None where Google knows it by itself. Raises InvalidRequest."""
    try:
        path = urlsplit(name).path
    except ValueError:
        raise chat.wrong(where, "a URL") from None
    known = TYPES.get(path.rpartition(".")[2].lower())
    if known is None and not name.startswith(FILES_API):
        raise InvalidRequest(
            f"Invalid value for '{where}': its media type is not known by its name; "
            "name it in `format`.",
            param=where.partition("[")[0],
        )
    return known


def _text(part: Json, where: str, site: Site) -> Json | None:
    text = chat.string(part, "text", where)
    return {"text": text} if text else None


def _refusal(part: Json, where: str, site: Site) -> Json | None:
    text = chat.string(part, "refusal", where)
    return {"text": text} if text else None


def _linked(member: str, usual: str) -> Callable[[Json, str, Site], Json]:
    """A part of the shape {type: image_url, image_url: {url, format?}}."""

    def read(part: Json, where: str, site: Site) -> Json:
        found = part.get(member)
        link = {"url": found} if isinstance(found, str) else chat.member(part, member, where)
        url = chat.string(link, "url", f"{where}.{member}")
        media_type = link.get("format") or _guess(url) or usual
        return by_url(url, f"{where}.{member}.url", site, media_type)

    return read


def _guess(url: str) -> str | None:
    return TYPES.get(url.partition("?")[0].rpartition(".")[2].lower())


def _audio(part: Json, where: str, site: Site) -> Json:
    audio = chat.member(part, "input_audio", where)
    data = chat.string(audio, "data", f"{where}.input_audio")
    kind = chat.string(audio, "format", f"{where}.input_audio")
    media_type = TYPES.get(kind, f"audio/{kind}")
    chat.data_url(f"data:{media_type};base64,{data}", f"{where}.input_audio.data")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _file(part: Json, where: str, site: Site) -> Json:
    """A file's data, or a URL as its id; OpenAI's own file ids mean nothing to Google."""
    file = chat.member(part, "file", where)
    if file.get("file_data") is not None:
        data = chat.string(file, "file_data", f"{where}.file")
        inline = chat.data_url(data, f"{where}.file.file_data")
        if inline is None:
            raise chat.wrong(f"{where}.file.file_data", "a data: URL in base64")
        return {"inlineData": {"mimeType": inline[0], "data": inline[1]}}
    url = chat.string(file, "file_id", f"{where}.file")
    return by_url(url, f"{where}.file.file_id", site, file.get("format"))


_READERS: Mapping[str, Callable[[Json, str, Site], Json | None]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _linked("image_url", "image/jpeg"),
    "video_url": _linked("video_url", "video/mp4"),
    "input_audio": _audio,
    "file": _file,
}
