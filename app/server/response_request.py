"""The body of `/v1/responses`, said as a chat completion: the same turn is asked for in other words."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from app.server.errors import ApiError
from app.server.field_errors import refusal
from app.server.narrowing import AGENT
from app.server.request import ChatRequest, Picture

__all__ = ["ResponseRequest", "as_chat", "conversation_of", "parse_response_request"]

_Text = Annotated[str, Field(max_length=1_000_000)]
_Id = Annotated[str, Field(min_length=1, max_length=256)]


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class TextPart(_Given):
    """A text, of the user or of an earlier answer."""

    type: Literal["input_text", "output_text"]
    text: _Text


class RefusalPart(_Given):
    """What a model would not do, in an earlier answer."""

    type: Literal["refusal"]
    refusal: _Text


class ImagePart(_Given):
    """A picture, as a data: URL."""

    type: Literal["input_image"]
    image_url: Picture
    detail: Literal["auto", "low", "high"] = "auto"


_Part = Annotated[TextPart | RefusalPart | ImagePart, Field(discriminator="type")]


class MessageItem(_Given):
    """A message."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: _Text | Annotated[list[_Part], Field(max_length=1_000)]


class CallItem(_Given):
    """A call of a function that the client ran."""

    type: Literal["function_call"]
    call_id: _Id
    name: Annotated[str, Field(min_length=1, max_length=128)]
    arguments: _Text


class ResultItem(_Given):
    """What a function gave."""

    type: Literal["function_call_output"]
    call_id: _Id
    output: _Text | list[TextPart]


class ReasoningItem(_Given):
    """What a model thought; it is for the provider that wrote it, and is left out."""

    type: Literal["reasoning"]


_Item = MessageItem | CallItem | ResultItem | ReasoningItem


class FunctionTool(_Given):
    """A function that a model may call."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,128}$")]
    description: _Text | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class NamedTool(_Given):
    """A function that must be called."""

    type: Literal["function"]
    name: Annotated[str, Field(min_length=1, max_length=128)]


class Format(_Given):
    """The form of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    name: Annotated[str, Field(min_length=1, max_length=128)] = "answer"
    description: _Text | None = None
    schema_: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextOptions(BaseModel):
    """How the answer is to be written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | None = None
    verbosity: Literal["medium"] | None = None


class Reasoning(_Given):
    """How long a model may think."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None


class ConversationName(_Given):
    """A thread by its name."""

    id: _Id


class StreamOptions(_Given):
    """How an answer is streamed."""

    include_obfuscation: bool | None = Field(
        default=None, description="Taken and not used: nothing is added to hide how long words are."
    )


class ResponseRequest(BaseModel):
    """The body of `/v1/responses`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=256)] = "auto"
    input: _Text | Annotated[list[_Item], Field(min_length=1, max_length=2_048)]
    instructions: _Text | None = None
    previous_response_id: _Id | None = None
    conversation: _Id | ConversationName | None = Field(
        default=None, description="The name of the thread."
    )
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    reasoning: Reasoning | None = None
    text: TextOptions | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=256)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    user: Annotated[str, Field(max_length=256)] | None = None
    metadata: dict[str, JsonValue] | None = None
    store: bool | None = Field(
        default=None,
        description="false: the turn is kept in no thread, so a model answers and no agent, which may have to ask.",
    )
    # What changes no answer is taken and not used.
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    truncation: Literal["auto", "disabled"] | None = Field(
        default=None,
        description="The oldest messages of a dialogue that is too long for the model are left out in any case.",
    )
    include: list[Literal["reasoning.encrypted_content"]] | None = None
    background: Literal[False] | None = None
    preference: Literal["cost", "auto", "performance"] | float | None = None
    max_cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    checked: bool | None = None
    allowed_models: Annotated[list[str], Field(max_length=1_000)] | None = None
    allowed_agents: Annotated[list[str], Field(max_length=1_000)] | None = None


_SAME = (
    "model", "temperature", "top_p", "parallel_tool_calls", "user", "preference", "max_cost_usd",
    "allowed_models", "allowed_agents", "checked",
)  # fmt: skip


def parse_response_request(body: bytes) -> ResponseRequest:
    """Return what a body asks for.

    Raises:
        ApiError: it is not JSON, or a field has another form, is refused or is not known.
    """
    try:
        request = ResponseRequest.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error, body) from None
    if request.previous_response_id and request.conversation:
        raise ApiError(400, "send previous_response_id or conversation, not both")
    if request.store is False:
        _check_unstored(request)
    return request


def _check_unstored(request: ResponseRequest) -> None:
    """Refuse what a turn without a thread cannot do."""
    named = request.previous_response_id or request.conversation
    fault = None
    if named:
        fault = (
            "send the whole conversation as input, without previous_response_id and conversation"
        )
    elif request.model.startswith(AGENT):
        fault = "an agent may have to ask, and needs one; ask for a model"
    if fault:
        raise ApiError(400, f"store is false, so the turn is in no thread: {fault}", param="store")


def as_chat(request: ResponseRequest) -> ChatRequest:
    """Return the chat completion that asks for the same.

    Raises:
        ApiError: the tools are none, or a field is beyond its bounds.
    """
    chat: dict[str, Any] = {name: getattr(request, name) for name in _SAME}
    chat["messages"] = _messages(request)
    chat["stream"] = request.stream
    chat["max_completion_tokens"] = request.max_output_tokens
    chat["reasoning_effort"] = request.reasoning.effort if request.reasoning else None
    metadata = dict(request.metadata or {})
    if request.conversation:
        metadata["session_id"] = conversation_of(request)
    chat["metadata"] = metadata
    if request.tools:
        chat["tools"] = [_tool(tool) for tool in request.tools]
    choice = request.tool_choice
    chat["tool_choice"] = (
        {"type": "function", "function": {"name": choice.name}}
        if isinstance(choice, NamedTool)
        else choice
    )
    if request.text and request.text.format:
        chat["response_format"] = _format(request.text.format)
    try:
        return ChatRequest.model_validate(chat)
    except ValidationError as error:
        raise refusal(error, chat) from None


def conversation_of(request: ResponseRequest) -> str | None:
    """Return the name of the thread that a request names."""
    named = request.conversation
    return named.id if isinstance(named, ConversationName) else named


def _messages(request: ResponseRequest) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if request.instructions:
        messages.append({"role": "system", "content": request.instructions})
    if isinstance(request.input, str):
        return [*messages, {"role": "user", "content": request.input}]
    for item in request.input:
        if isinstance(item, MessageItem):
            messages.append({"role": item.role, "content": _content(item.role, item.content)})
        elif isinstance(item, ResultItem):
            output = item.output if isinstance(item.output, str) else _joined(item.output)
            messages.append({"role": "tool", "tool_call_id": item.call_id, "content": output})
        elif isinstance(item, CallItem):
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": None})
            function = {"name": item.name, "arguments": item.arguments}
            call = {"id": item.call_id, "type": "function", "function": function}
            messages[-1].setdefault("tool_calls", []).append(call)
    return messages


def _content(role: str, content: str | Iterable[TextPart | RefusalPart | ImagePart]) -> Any:
    if isinstance(content, str):
        return content
    parts: list[dict[str, Any]] = []
    for part in content:
        if isinstance(part, ImagePart):
            image = {"url": part.image_url, "detail": part.detail}
            parts.append({"type": "image_url", "image_url": image})
        else:
            parts.append({"type": "text", "text": _words(part)})
    only_text = all(part["type"] == "text" for part in parts)
    return "".join(p["text"] for p in parts) if only_text and role != "user" else parts


def _words(part: TextPart | RefusalPart) -> str:
    return part.text if isinstance(part, TextPart) else part.refusal


def _joined(parts: Iterable[TextPart]) -> str:
    return "".join(part.text for part in parts)


def _tool(tool: FunctionTool) -> dict[str, Any]:
    function = tool.model_dump(exclude={"type"}, exclude_none=True)
    return {"type": "function", "function": function}


def _format(form: Format) -> dict[str, Any]:
    if form.type != "json_schema":
        return {"type": form.type}
    schema = form.model_dump(exclude={"type"}, exclude_none=True, by_alias=True)
    return {"type": "json_schema", "json_schema": schema}
