"""Begun, Noted and Ended as bytes and back: protobuf, with the metadata as JSON inside."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import orjson

from extproc._pb import journal_pb2 as pb
from extproc.domain.ledger import Begun, Ended, Noted, Record
from extproc.domain.usage import Usage
from extproc.stores.storable import storable

MAX_METADATA_BYTES = 128 * 1024
_MAX_ITEM_BYTES = 4 * 1024
_UNENCODABLE = (TypeError, ValueError)
"""What protobuf and orjson raise for values that they cannot hold."""

_USAGE = tuple(field.name for field in fields(Usage))
_COUNTED = tuple(name for name in _USAGE if name != "stated_nanousd")

_Recorded = TypeVar("_Recorded", Begun, Ended)


def encode_begun(begun: Begun) -> bytes:
    """Never fails: values that cannot be stored are replaced by the nearest that can."""
    try:
        return _begun(begun)
    except _UNENCODABLE:
        return _begun(_cleaned(begun))


def encode_ended(ended: Ended) -> bytes:
    """Never fails, as above."""
    return bytes(pb.Record(ended=_written(ended)).SerializeToString())


def encode_noted(noted: Noted) -> bytes:
    """Never fails, as above."""
    return bytes(pb.Record(noted=_written(noted.so_far)).SerializeToString())


def decode(data: bytes) -> Record | None:
    """None for a record of a kind that this version does not know."""
    record = pb.Record.FromString(data)
    if record.HasField("begun"):
        return _begun_from(record.begun)
    if record.HasField("noted"):
        return Noted(_ended_from(record.noted))
    return _ended_from(record.ended) if record.HasField("ended") else None


def _begun(begun: Begun) -> bytes:
    record = pb.Record(
        begun=pb.Begun(
            attempt_id=begun.attempt_id,
            call_id=begun.call_id,
            number=begun.number,
            at=begun.at,
            key_hash=begun.key_hash,
            call_type=begun.call_type,
            model_group=begun.model_group,
            model=begun.model,
            provider=begun.provider,
            deployment_id=begun.deployment_id,
            api_base=begun.api_base,
            prompt_tokens_estimate=begun.prompt_tokens_estimate,
            prompt_cost_nanousd=begun.prompt_cost_nanousd,
            metadata=_json(begun.metadata),
        )
    )
    return bytes(record.SerializeToString())


def _written(ended: Ended) -> pb.Ended:
    try:
        return _ended(ended)
    except _UNENCODABLE:
        usage = Usage(*(storable(getattr(ended.usage, name)) for name in _USAGE))
        return _ended(replace(_cleaned(ended), usage=usage))


def _ended(ended: Ended) -> pb.Ended:
    usage = ended.usage
    return pb.Ended(
        attempt_id=ended.attempt_id,
        at=ended.at,
        status=ended.status,
        http_status=ended.http_status,
        usage=pb.Usage(**{name: getattr(usage, name) for name in _USAGE}),
        cost_nanousd=ended.cost_nanousd,
        estimated=ended.estimated,
        first_byte_at=ended.first_byte_at,
        error=ended.error,
        metadata=_json(ended.metadata),
    )


def _json(metadata: Mapping[str, Any]) -> bytes:
    """Large items are left out of metadata that would swell the journal."""
    if not metadata:
        return b""
    data = orjson.dumps(metadata, default=dict)
    if len(data) <= MAX_METADATA_BYTES:
        return data
    small = {
        name: value
        for name, value in metadata.items()
        if len(orjson.dumps(value, default=dict)) <= _MAX_ITEM_BYTES
    }
    return orjson.dumps(dict(list(small.items())[:24]) | {"truncated": True}, default=dict)


def _cleaned(record: _Recorded) -> _Recorded:
    simple = {
        field.name: storable(getattr(record, field.name))
        for field in fields(record)
        if field.name != "usage"
    }
    return replace(record, **simple)


def _begun_from(message: pb.Begun) -> Begun:
    return Begun(
        attempt_id=message.attempt_id,
        call_id=message.call_id,
        number=message.number,
        at=message.at,
        key_hash=message.key_hash,
        call_type=message.call_type,
        model_group=message.model_group,
        model=message.model,
        provider=message.provider,
        deployment_id=message.deployment_id,
        api_base=message.api_base,
        prompt_tokens_estimate=message.prompt_tokens_estimate,
        prompt_cost_nanousd=(
            message.prompt_cost_nanousd if message.HasField("prompt_cost_nanousd") else None
        ),
        metadata=_metadata(message.metadata),
    )


def _ended_from(message: pb.Ended) -> Ended:
    usage = message.usage
    return Ended(
        attempt_id=message.attempt_id,
        at=message.at,
        status=message.status,
        http_status=message.http_status,
        usage=Usage(
            **{name: getattr(usage, name) for name in _COUNTED},
            stated_nanousd=usage.stated_nanousd if usage.HasField("stated_nanousd") else None,
        ),
        cost_nanousd=message.cost_nanousd if message.HasField("cost_nanousd") else None,
        estimated=message.estimated,
        first_byte_at=message.first_byte_at if message.HasField("first_byte_at") else None,
        error=message.error,
        metadata=_metadata(message.metadata),
    )


def _metadata(data: bytes) -> Mapping[str, Any]:
    return orjson.loads(data) if data else {}
