"""A chat completion as it is asked for: OpenAI's fields, MoMA's own beside them, and what is refused.

It knows no graph. A field that would change the answer is taken or refused, never passed over.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from app.server.field_errors import refusal

__all__ = ["ChatRequest", "Message", "Picture", "parse_request"]

LONGEST_ID = 256
_Text = Annotated[str, Field(max_length=1_000_000)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
_LIMIT = Field(ge=1, le=10_000_000)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


Picture = Annotated[str, Field(pattern=r"^data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$")]
"""The picture itself: what is fetched from elsewhere would be fetched by this machine."""


class ImageUrl(_Given):
    """A picture."""

    url: Picture
    detail: Literal["auto", "low", "high"] = "auto"


class InputAudio(_Given):
    """A recording."""

    data: Annotated[str, Field(min_length=1)]
    format: Literal["wav", "mp3"]


class TextPart(_Given):
    """A text."""

    type: Literal["text"]
    text: _Text


class RefusalPart(_Given):
    """What a model would not do, in an earlier answer."""

    type: Literal["refusal"]
    refusal: _Text


class ImagePart(_Given):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


class AudioPart(_Given):
    """A recording."""

    type: Literal["input_audio"]
    input_audio: InputAudio


_Asked = Annotated[TextPart | ImagePart | AudioPart, Field(discriminator="type")]
_Said = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class CalledFunction(_Given):
    """A function with its arguments as JSON text."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    arguments: _Text


class ToolCall(_Given):
    """A call of a tool that the client ran."""

    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    type: Literal["function"] = "function"
    function: CalledFunction


class Instructions(_Given):
    """The system prompt."""

    role: Literal["system", "developer"]
    content: _Text | list[TextPart]


class UserMessage(_Given):
    """What the user wrote."""

    role: Literal["user"]
    content: _Text | Annotated[list[_Asked], Field(max_length=1_000)]
    name: Annotated[str, Field(max_length=64)] | None = None


class AssistantMessage(_Given):
    """What was answered."""

    role: Literal["assistant"]
    content: _Text | list[_Said] | None = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=128)] | None = None


class ToolMessage(_Given):
    """What a tool gave."""

    role: Literal["tool"]
    content: _Text | list[TextPart]
    tool_call_id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]


Message = Instructions | UserMessage | AssistantMessage | ToolMessage
_Message = Annotated[Message, Field(discriminator="role")]


class FunctionTool(_Given):
    """A function that a model may call."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,128}$")]
    description: _Text | None = None
    parameters: dict[str, JsonValue] | None = None
    strict: bool | None = None


class Tool(_Given):
    """A tool of the client."""

    type: Literal["function"]
    function: FunctionTool


class NamedFunction(_Given):
    """The name of a function."""

    name: Annotated[str, Field(min_length=1, max_length=128)]


class NamedTool(_Given):
    """A tool that must be called."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(_Given):
    """The schema of an answer."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: _Text | None = None
    schema_: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextFormat(_Given):
    """An answer in words."""

    type: Literal["text"]


class ObjectFormat(_Given):
    """An answer in JSON."""

    type: Literal["json_object"]


class SchemaFormat(_Given):
    """An answer in the JSON of a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class StreamOptions(_Given):
    """How an answer is streamed."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of `/v1/chat/completions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)] = Field(
        default="auto",
        description="auto, auto: with a preference (auto:cost, auto:0.3), agent:ID, or the id of a model.",
    )
    messages: Annotated[list[_Message], Field(min_length=1, max_length=2_048)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: _Share | None = None
    presence_penalty: _Penalty | None = None
    frequency_penalty: _Penalty | None = None
    max_tokens: Annotated[int, _LIMIT] | None = None
    max_completion_tokens: Annotated[int, _LIMIT] | None = None
    stop: (
        Annotated[str, Field(min_length=1, max_length=1_000)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1_000)]],
            Field(max_length=4),
        ]
        | None
    ) = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    response_format: (
        Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None
    ) = None
    tools: Annotated[list[Tool], Field(max_length=256)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    user: Annotated[str, Field(max_length=LONGEST_ID)] | None = None
    metadata: dict[str, JsonValue] | None = Field(
        default=None,
        description="session_id names the thread. A task of a chat UI's own, as Open WebUI names it (title_generation "
        "and so on), goes to the cheapest model and is in no thread. tools: optional says that agents may take the "
        "turn although tools are sent, as a chat UI's own are.",
    )
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    # What some clients send as null, and what is refused if it is anything else.
    functions: None = None
    function_call: None = None
    logit_bias: None = None
    top_logprobs: None = None
    # What changes no answer is taken and not used.
    store: bool | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    preference: Literal["cost", "auto", "performance"] | _Share | None = None
    max_cost_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="The most that this turn may cost, in USD."
    )
    checked: bool | None = Field(
        default=None,
        description="Whether the answer is checked before it is shown, and a dearer model asked if it does not hold.",
    )
    allowed_models: Annotated[list[str], Field(max_length=1_000)] | None = Field(
        default=None, description="Wildcards; only these models may serve."
    )
    allowed_agents: Annotated[list[str], Field(max_length=1_000)] | None = Field(
        default=None, description="Wildcards; only these agents may serve."
    )


def parse_request(body: bytes) -> ChatRequest:
    """Return what a body asks for.

    Raises:
        ApiError: it is not JSON, or a field has another form, is refused or is not known.
    """
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error, body) from None
