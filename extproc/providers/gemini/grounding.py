"""What an answer rests on, as OpenAI's URL citations.

https://ai.google.dev/gemini-api/docs/google-search
"""

from typing import Any

from extproc.domain.call import Json
from extproc.providers import answers

SOURCES = ("web", "maps", "retrievedContext")


def annotations(metadata: Json, citations: Json, content: str) -> list[Json]:
    """One for each page that a passage rests on, then the sources of what was quoted."""
    encoded = content.encode()
    pages = [_source(chunk) for chunk in _chunks(metadata)]
    found: list[Json] = []
    for support in answers.objects(metadata.get("groundingSupports")):
        span = _span(answers.record(support.get("segment")), encoded)
        for page in _pages(pages, support.get("groundingChunkIndices")):
            found.append(_citation(page, span))
    for name in ("citations", "citationSources"):
        for source in answers.objects(citations.get(name)):
            if answers.text(source.get("uri")):
                found.append(_citation(source, _span(source, encoded)))
    return found


def searches(metadata: Json, *, each: bool) -> int:
    """How many are billed: each query from Gemini 3 on, before that an answer that made any.

    https://ai.google.dev/gemini-api/docs/pricing
    """
    queries = metadata.get("webSearchQueries")
    made = len(queries) if isinstance(queries, list) else 0
    return made if each else min(made, 1)


def _chunks(metadata: Json) -> list[Json]:
    """All of them, odd ones too, because others count their places."""
    chunks = metadata.get("groundingChunks")
    return [answers.record(chunk) for chunk in chunks] if isinstance(chunks, list) else []


def _source(chunk: Json) -> Json:
    """A page of the web, a place on the map or a document of the operator's own."""
    return next((found for kind in SOURCES if (found := answers.record(chunk.get(kind)))), {})


def _pages(pages: list[Json], places: Any) -> list[Json]:
    wanted = [answers.count(place) for place in places] if isinstance(places, list) else []
    named = [pages[place] for place in wanted if place is not None and place < len(pages)]
    return [page for page in named if answers.text(page.get("uri"))]


def _citation(page: Json, span: tuple[int, int]) -> Json:
    cited = {
        "url": page["uri"],
        "title": answers.text(page.get("title")),
        "start_index": span[0],
        "end_index": span[1],
    }
    return {"type": "url_citation", "url_citation": cited}


def _span(segment: Json, encoded: bytes) -> tuple[int, int]:
    """Google counts bytes of a part, OpenAI characters of the content; the text settles doubts."""
    start = answers.count(segment.get("startIndex")) or 0
    end = answers.count(segment.get("endIndex")) or 0
    said = answers.text(segment.get("text")).encode()
    if said and encoded[start:end] != said and (found := encoded.find(said)) >= 0:
        start, end = found, found + len(said)
    return _characters(encoded[:start]), _characters(encoded[:end])


def _characters(encoded: bytes) -> int:
    return len(encoded.decode("utf-8", "ignore"))
