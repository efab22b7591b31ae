"""OpenAI's chat request as Ollama's.

https://docs.ollama.com/api/chat  https://docs.ollama.com/capabilities/thinking
https://docs.ollama.com/capabilities/structured-outputs  https://docs.ollama.com/modelfile
"""

from collections.abc import Callable, Mapping

from extproc.domain.call import Json
from extproc.providers import chat
from extproc.providers.base import Outgoing, Request

PATH = "/api/chat"
SUPPORTED = frozenset(
    {"frequency_penalty", "logprobs", "max_completion_tokens", "max_tokens", "presence_penalty"}
    | {"reasoning_effort", "response_format", "seed", "stop", "temperature", "tool_choice"}
    | {"tools", "top_logprobs", "top_p"}
)
_OPTIONS = """
frequency_penalty presence_penalty seed temperature top_p num_predict num_ctx num_keep num_batch
num_gpu main_gpu num_thread use_mmap min_p top_k typical_p repeat_last_n repeat_penalty mirostat
mirostat_eta mirostat_tau tfs_z
"""
OPTIONS: Mapping[str, str] = {
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
    **{name: name for name in _OPTIONS.split()},
}
"""OpenAI's name, or Ollama's, of what Ollama takes as a model's option."""
EFFORTS: Mapping[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
TRANSLATED = (SUPPORTED - {"logprobs", "top_logprobs"}) | chat.FRAMING | {"thinking", "options"}


def request(request: Request) -> Outgoing:
    told = request.body.get("tool_choice") not in (None, "auto", "none")
    supported = SUPPORTED - {"tool_choice"} if told else SUPPORTED
    asked = chat.given(request, supported)
    taken = TRANSLATED - ({"tool_choice"} & request.allowed)
    body: Json = {
        name: value for name, value in asked.items() if name not in taken and name not in OPTIONS
    }
    body |= {
        "model": request.deployment.model,
        "messages": _messages(chat.messages(asked)),
        "stream": request.streaming,
    }
    if options := _options(asked):
        body["options"] = options
    for part in (_think, _format):
        body |= part(asked)
    if tools := _tools(asked):
        body["tools"] = tools
    return Outgoing(PATH, body)


def _options(asked: Json) -> Json:
    found = {OPTIONS[name]: value for name, value in asked.items() if name in OPTIONS}
    if stop := asked.get("stop"):
        found["stop"] = [stop] if isinstance(stop, str) else stop
    return found | (chat.member(asked, "options", "") if "options" in asked else {})


def _think(asked: Json) -> Json:
    thinking, effort = asked.get("thinking"), asked.get("reasoning_effort")
    if isinstance(thinking, dict):
        return {"think": thinking.get("type") != "disabled"}
    if effort is None:
        return {}
    if not isinstance(effort, str) or effort not in EFFORTS:
        raise chat.wrong("reasoning_effort", f"one of {list(EFFORTS)}")
    return {"think": EFFORTS[effort]}


def _format(asked: Json) -> Json:
    if "response_format" not in asked:
        return {}
    form = chat.member(asked, "response_format", "")
    if form.get("type") == "json_object":
        return {"format": "json"}
    if form.get("type") == "json_schema":
        where = "response_format.json_schema"
        return {
            "format": chat.member(
                chat.member(form, "json_schema", "response_format"), "schema", where
            )
        }
    if form.get("type") == "text":
        return {}
    raise chat.wrong("response_format.type", "'text', 'json_object' or 'json_schema'")


def _tools(asked: Json) -> list[Json]:
    """A model that is given tools is free to use them: it cannot be told to, nor which."""
    tools = chat.listed(asked, "tools", "")
    if asked.get("tool_choice") == "none":
        return []
    for place, tool in enumerate(tools):
        if tool.get("type") != "function":
            raise chat.wrong(f"tools[{place}].type", "'function'")
        chat.string(chat.member(tool, "function", f"tools[{place}]"), "name", f"tools[{place}]")
    return tools


def _messages(messages: list[Json]) -> list[Json]:
    """A tool's result is told by the tool's name, which stands where the tool was called."""
    names: dict[str, str] = {}
    return [
        _message(message, f"messages[{place}]", names) for place, message in enumerate(messages)
    ]


def _message(message: Json, where: str, names: dict[str, str]) -> Json:
    role = ROLES.get(message["role"])
    if role is None:
        raise chat.wrong(f"{where}.role", f"one of {list(ROLES)}")
    return role(message, where, names)


def _system(message: Json, where: str, names: dict[str, str]) -> Json:
    return {"role": "system", "content": chat.text_of(message.get("content"), f"{where}.content")}


def _user(message: Json, where: str, names: dict[str, str]) -> Json:
    texts: list[str] = []
    images: list[str] = []
    for place, part in enumerate(chat.parts(message.get("content"), f"{where}.content")):
        here = f"{where}.content[{place}]"
        if part["type"] == "image_url":
            images.append(_image(part, here))
        else:
            texts.append(chat.text_of([part], here))
    made: Json = {"role": "user", "content": "\n".join(texts)}
    return made | ({"images": images} if images else {})


def _image(part: Json, where: str) -> str:
    url = chat.string(chat.member(part, "image_url", where), "url", f"{where}.image_url")
    data = chat.data_url(url, f"{where}.image_url.url")
    if data is None:
        raise chat.wrong(f"{where}.image_url.url", "a data: URL, since Ollama takes no other image")
    return data[1]


def _assistant(message: Json, where: str, names: dict[str, str]) -> Json:
    parts = [
        part
        for part in chat.parts(message.get("content"), f"{where}.content")
        if part["type"] != "refusal"
    ]
    said: Json = {"role": "assistant", "content": chat.text_of(parts, f"{where}.content")}
    if isinstance(message.get("reasoning_content"), str):
        said["thinking"] = message["reasoning_content"]
    calls = chat.listed(message, "tool_calls", where)
    if calls:
        said["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{place}]", names) for place, call in enumerate(calls)
        ]
    return said


def _call(call: Json, where: str, names: dict[str, str]) -> Json:
    function = chat.member(call, "function", where)
    call_id = chat.string(call, "id", where)
    names[call_id] = name = chat.string(function, "name", f"{where}.function")
    given = chat.arguments(function.get("arguments"), f"{where}.function.arguments")
    return {"id": call_id, "function": {"name": name, "arguments": given}}


def _tool(message: Json, where: str, names: dict[str, str]) -> Json:
    call_id = chat.string(message, "tool_call_id", where)
    content = chat.text_of(message.get("content"), f"{where}.content")
    made: Json = {"role": "tool", "content": content, "tool_call_id": call_id}
    return made | ({"tool_name": names[call_id]} if call_id in names else {})


ROLES: Mapping[str, Callable[[Json, str, dict[str, str]], Json]] = {
    "system": _system,
    "developer": _system,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}
