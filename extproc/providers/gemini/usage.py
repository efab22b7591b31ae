"""Google's `usageMetadata`: cumulative in a stream, cached tokens inside the prompt's.

https://ai.google.dev/api/generate-content#UsageMetadata
"""

from typing import Any

from extproc.domain.call import Json
from extproc.domain.usage import Usage
from extproc.providers import answers


def usage(raw: Any) -> Usage | None:
    """What a tool of Google's read is prompt too, thoughts are produced. None without counts."""
    found = answers.record(raw)

    def count(name: str) -> int:
        return answers.count(found.get(name)) or 0

    prompt = count("promptTokenCount") + count("toolUsePromptTokenCount")
    produced, thoughts = count("candidatesTokenCount"), count("thoughtsTokenCount")
    if not prompt and not produced and not thoughts:
        return None
    if prompt + produced != count("totalTokenCount"):
        produced += thoughts  # some models count thoughts among the candidates already
    cached = count("cachedContentTokenCount")
    return Usage(
        input=prompt,
        output=produced,
        cached=min(cached, prompt),
        reasoning=min(thoughts, produced),
        audio_input=_fresh("AUDIO", found),
        audio_output=_of("AUDIO", found.get("candidatesTokensDetails")),
        image_input=_fresh("IMAGE", found),
        image_output=_of("IMAGE", found.get("candidatesTokensDetails")),
    )


def _fresh(modality: str, found: Json) -> int:
    """Of the prompt, what did not come from the cache: that has a rate of its own."""
    read = _of(modality, found.get("promptTokensDetails"))
    return max(0, read - _of(modality, found.get("cacheTokensDetails")))


def _of(modality: str, details: Any) -> int:
    return sum(
        answers.count(detail.get("tokenCount")) or 0
        for detail in answers.objects(details)
        if detail.get("modality") == modality
    )
