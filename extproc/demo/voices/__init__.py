"""Every format that the simulated provider speaks, and which of them a request is in."""

from collections.abc import Iterable, Mapping

from extproc.demo.request import Request
from extproc.demo.voices import (
    anthropic,
    aws,
    azure,
    cohere,
    databricks,
    gemini,
    mistral,
    ollama,
    openai,
    replicate,
    vertex,
    watsonx,
)
from extproc.demo.voices.base import Endpoint, Voice
from extproc.demo.voices.media import MEDIA
from extproc.demo.voices.responses import RESPONSES
from extproc.demo.voices.sigv4 import Signer
from extproc.demo.voices.vectors import JINA, RERANK, TEI, VOYAGE
from extproc.settings import SettingError


def speaking(signer: Signer | None = None) -> dict[str, Voice]:
    """All voices by name, in the order in which they are tried.

    OpenAI comes after those whose paths end like its own, and before those whose paths are its own.
    """
    before = (
        *(anthropic.VOICE, azure.VOICE, vertex.VOICE, cohere.VOICE, ollama.VOICE),
        *(databricks.VOICE, watsonx.VOICE, replicate.VOICE, *aws.voices(signer)),
    )
    openai_voice = Voice("openai", (*openai.TEXT, *RESPONSES, *MEDIA, RERANK), openai.error)
    after = (gemini.VOICE, mistral.VOICE, JINA, VOYAGE, TEI)
    return {voice.name: voice for voice in (*before, openai_voice, *after)}


VOICES: Mapping[str, Voice] = speaking()


def chosen(name: str, access_key_id: str, secret_access_key: str) -> tuple[Voice, ...]:
    """The voice of that name, or all; AWS's verify signatures when a key is given."""
    signer = Signer(access_key_id, secret_access_key) if access_key_id else None
    voices = speaking(signer)
    if not name:
        return tuple(voices.values())
    if name not in voices:
        raise SettingError(f"--schema {name}: there are {', '.join(sorted(voices))}")
    return (voices[name],)


def find(
    request: Request, voices: Iterable[Voice]
) -> tuple[Voice, Endpoint, Mapping[str, str]] | None:
    """Who answers, where, and what the path names.

    A segment of the path that is a voice's name puts this voice first; but OpenAI's stands in
    Azure's paths, and comes first without it where it matters.
    """
    named = set(request.segments) - {"openai"}
    for voice in sorted(voices, key=lambda voice: voice.name not in named):
        for endpoint in voice.endpoints:
            part = endpoint.match(request.method, request.path, request.query)
            if part is not None:
                return voice, endpoint, part
    return None
