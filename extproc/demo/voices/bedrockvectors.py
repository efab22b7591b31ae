"""Bedrock's embeddings: Titan's and Cohere's own bodies, at `/model/{id}/invoke`.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from typing import Any

from extproc.demo.answers import Answer, Question, tokens_of, vector
from extproc.demo.request import Json
from extproc.demo.voices.base import Asked, Body, Endpoint, Refused, json_body, needed
from extproc.demo.voices.bedrock import counts


def _question(asked: Asked, texts: Any) -> Question:
    return Question(
        id=asked.number,
        body=asked.body,
        model=asked.part["model"],
        prompt_tokens=tokens_of(texts),
        generates=False,
    )


def _ask_titan(asked: Asked) -> Question:
    needed(asked.body, "inputText")
    return _question(asked, asked.body["inputText"])


def _titan(answer: Answer) -> Body:
    body = answer.question.body
    values = vector(body["inputText"], body.get("dimensions"))
    told: Json = {"embedding": values, "inputTextTokenCount": answer.prompt}
    if "v2" in answer.question.model:
        told["embeddingsByType"] = {"float": values}
    return json_body(told)


def _ask_cohere(asked: Asked) -> Question:
    needed(asked.body, "input_type", "texts")
    if not isinstance(asked.body["texts"], list):
        raise Refused(400, "Malformed input request: #/texts: expected type: JSONArray")
    return _question(asked, asked.body["texts"])


def _cohere(answer: Answer) -> Body:
    body = answer.question.body
    rows = [vector(text, body.get("output_dimension")) for text in body["texts"]]
    typed = "embedding_types" in body
    return json_body(
        {
            "id": answer.id,
            "embeddings": {"float": rows} if typed else rows,
            "texts": body["texts"],
            "response_type": "embeddings_by_type" if typed else "embeddings_floats",
        }
    )


EMBEDDINGS = (
    Endpoint(r"/model/(?P<model>[^/]*titan-embed[^/]*)/invoke", _ask_titan, _titan, headers=counts),
    Endpoint(
        r"/model/(?P<model>[^/]*cohere\.embed[^/]*)/invoke", _ask_cohere, _cohere, headers=counts
    ),
)
