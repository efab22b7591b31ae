"""Pictures, documents, video and sound as Converse's content blocks.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
"""

import re
from collections.abc import Mapping

from extproc.domain.call import Json
from extproc.providers import chat

_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_PICTURES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg"}
_PICTURES |= {"image/gif": "gif", "image/webp": "webp"}
_VIDEOS = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_SOUNDS = {"mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "webm", "pcm", "m4a"}

KINDS: Mapping[str, tuple[str, str]] = {
    **{media_type: ("document", name) for media_type, name in _DOCUMENTS.items()},
    **{media_type: ("image", name) for media_type, name in _PICTURES.items()},
    **{media_type: ("video", name) for media_type, name in _VIDEOS.items()},
}
"""Media type -> (the block's name, its format)."""

_SUFFIXES: Mapping[str, tuple[str, str]] = {
    **{name: (kind, name) for kind, name in KINDS.values()},
    "jpg": ("image", "jpeg"),
    "htm": ("document", "html"),
    "mpg": ("video", "mpg"),
    "3gp": ("video", "three_gp"),
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s\-()\[\]]")
_SPACES = re.compile(r"\s+")
LONGEST_NAME = 190


def from_url(url: str, where: str, names: set[str], filename: str = "") -> Json:
    """The block for a `data:` URL, or for what lies in S3. Raises InvalidRequest for any other.

    `names` holds the names of the request's documents, which must differ.
    """
    kind, name, source = _located(url, where) if url.startswith("s3://") else _inline(url, where)
    if kind != "document":
        return {kind: {"format": name, "source": source}}
    shown = document_name(filename, names)
    return {"document": {"format": name, "name": shown, "source": source}}


def sound(part: Json, where: str) -> Json:
    audio = chat.member(part, "input_audio", where)
    name = chat.string(audio, "format", f"{where}.input_audio")
    if name not in _SOUNDS:
        raise chat.wrong(f"{where}.input_audio.format", f"one of {', '.join(sorted(_SOUNDS))}")
    data = chat.string(audio, "data", f"{where}.input_audio")
    return {"audio": {"format": name, "source": {"bytes": _not_empty(data, where)}}}


def document_name(filename: str, names: set[str]) -> str:
    """Letters, digits, single spaces, hyphens and brackets; another number for each namesake."""
    stem = filename.rpartition(".")[0] or filename
    clean = _SPACES.sub(" ", _NOT_IN_NAMES.sub(" ", stem)).strip()[:LONGEST_NAME] or "document"
    name, number = clean, 1
    while name in names:
        number += 1
        name = f"{clean} ({number})"
    names.add(name)
    return name


def _inline(url: str, where: str) -> tuple[str, str, Json]:
    found = chat.data_url(url, where)
    if found is None:
        raise chat.wrong(where, "a data: URL, as this provider fetches nothing from the web")
    media_type, data = found
    kind = KINDS.get(media_type.partition(";")[0].strip().lower())
    if kind is None:
        raise chat.wrong(where, f"a media type that this provider takes, not {media_type!r}")
    return *kind, {"bytes": _not_empty(data, where)}


def _located(url: str, where: str) -> tuple[str, str, Json]:
    kind = _SUFFIXES.get(url.rpartition(".")[2].lower())
    if kind is None:
        raise chat.wrong(where, "an s3:// URL that ends in a known suffix")
    return *kind, {"s3Location": {"uri": url}}


def _not_empty(data: str, where: str) -> str:
    if not data:
        raise chat.wrong(where, "data that is not empty")
    return data
