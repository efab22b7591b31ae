"""Chat's url_citations as Google's groundingMetadata.

Chat counts characters, Google bytes. https://ai.google.dev/api/generate-content#GroundingMetadata
"""

from typing import Any

from extproc.domain.call import Json
from extproc.providers.answers import record, text


def metadata(annotations: list[Json], said: str, part_index: int = 0) -> Json:
    """`groundingMetadata` of what a candidate said in one of its parts; none without sources."""
    chunks: list[Json] = []
    supports: list[Json] = []
    places: dict[str, int] = {}
    for annotation in annotations:
        citation = record(annotation.get("url_citation"))
        url = text(citation.get("url"))
        if not url:
            continue
        if url not in places:
            places[url] = len(chunks)
            chunks.append({"web": {"uri": url, "title": text(citation.get("title")) or url}})
        segment = _segment(citation.get("start_index"), citation.get("end_index"), said)
        if segment:
            index = {"partIndex": part_index} if part_index else {}
            supports.append(
                {"segment": {**index, **segment}, "groundingChunkIndices": [places[url]]}
            )
    if not chunks:
        return {}
    supported = {"groundingSupports": supports} if supports else {}
    return {"groundingMetadata": {"groundingChunks": chunks, **supported}}


def _segment(start: Any, end: Any, said: str) -> Json:
    if not (_place(start) and _place(end) and start < end <= len(said)):
        return {}
    before, cited = said[:start].encode(), said[start:end]
    return {
        "startIndex": len(before),
        "endIndex": len(before) + len(cited.encode()),
        "text": cited,
    }


def _place(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
