from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Record(_message.Message):
    __slots__ = ("begun", "ended", "noted")
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    NOTED_FIELD_NUMBER: _ClassVar[int]
    begun: Begun
    ended: Ended
    noted: Ended
    def __init__(self, begun: _Optional[_Union[Begun, _Mapping]] = ..., ended: _Optional[_Union[Ended, _Mapping]] = ..., noted: _Optional[_Union[Ended, _Mapping]] = ...) -> None: ...

class Begun(_message.Message):
    __slots__ = ("attempt_id", "call_id", "number", "at", "key_hash", "call_type", "model_group", "model", "provider", "deployment_id", "api_base", "prompt_tokens_estimate", "prompt_cost_nanousd", "metadata")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    KEY_HASH_FIELD_NUMBER: _ClassVar[int]
    CALL_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_GROUP_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_ID_FIELD_NUMBER: _ClassVar[int]
    API_BASE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_COST_NANOUSD_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    call_id: str
    number: int
    at: float
    key_hash: str
    call_type: str
    model_group: str
    model: str
    provider: str
    deployment_id: str
    api_base: str
    prompt_tokens_estimate: int
    prompt_cost_nanousd: int
    metadata: bytes
    def __init__(self, attempt_id: _Optional[str] = ..., call_id: _Optional[str] = ..., number: _Optional[int] = ..., at: _Optional[float] = ..., key_hash: _Optional[str] = ..., call_type: _Optional[str] = ..., model_group: _Optional[str] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., deployment_id: _Optional[str] = ..., api_base: _Optional[str] = ..., prompt_tokens_estimate: _Optional[int] = ..., prompt_cost_nanousd: _Optional[int] = ..., metadata: _Optional[bytes] = ...) -> None: ...

class Ended(_message.Message):
    __slots__ = ("attempt_id", "at", "status", "http_status", "usage", "cost_nanousd", "estimated", "first_byte_at", "error", "metadata")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    COST_NANOUSD_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    FIRST_BYTE_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    at: float
    status: str
    http_status: int
    usage: Usage
    cost_nanousd: int
    estimated: bool
    first_byte_at: float
    error: str
    metadata: bytes
    def __init__(self, attempt_id: _Optional[str] = ..., at: _Optional[float] = ..., status: _Optional[str] = ..., http_status: _Optional[int] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., cost_nanousd: _Optional[int] = ..., estimated: _Optional[bool] = ..., first_byte_at: _Optional[float] = ..., error: _Optional[str] = ..., metadata: _Optional[bytes] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input", "output", "cached", "cache_written", "reasoning", "audio_input", "audio_output", "cache_written_1h", "image_input", "image_output", "images", "searches", "characters", "audio_milliseconds", "stated_nanousd")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CACHED_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    AUDIO_INPUT_FIELD_NUMBER: _ClassVar[int]
    AUDIO_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITTEN_1H_FIELD_NUMBER: _ClassVar[int]
    IMAGE_INPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    SEARCHES_FIELD_NUMBER: _ClassVar[int]
    CHARACTERS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_MILLISECONDS_FIELD_NUMBER: _ClassVar[int]
    STATED_NANOUSD_FIELD_NUMBER: _ClassVar[int]
    input: int
    output: int
    cached: int
    cache_written: int
    reasoning: int
    audio_input: int
    audio_output: int
    cache_written_1h: int
    image_input: int
    image_output: int
    images: int
    searches: int
    characters: int
    audio_milliseconds: int
    stated_nanousd: int
    def __init__(self, input: _Optional[int] = ..., output: _Optional[int] = ..., cached: _Optional[int] = ..., cache_written: _Optional[int] = ..., reasoning: _Optional[int] = ..., audio_input: _Optional[int] = ..., audio_output: _Optional[int] = ..., cache_written_1h: _Optional[int] = ..., image_input: _Optional[int] = ..., image_output: _Optional[int] = ..., images: _Optional[int] = ..., searches: _Optional[int] = ..., characters: _Optional[int] = ..., audio_milliseconds: _Optional[int] = ..., stated_nanousd: _Optional[int] = ...) -> None: ...
