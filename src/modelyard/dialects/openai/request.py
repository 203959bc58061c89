"""What requests for completions and chat say: read strictly, and what cannot be done is refused by its name."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.generation import Question

_TOKENS: Final = 16
"""OpenAI's own default for completions."""
_CHAT_TOKENS: Final = 1024

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Stop = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
_STOPS: Final = 16


class StreamOptions(msgspec.Struct):
    """What a stream has beside its pieces."""

    include_usage: bool | None = None


class Common(msgspec.Struct, kw_only=True):
    """What both have. Of the fields in ``_ONLY`` only those values can be had."""

    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stop | list[Stop] | None = None

    def parameters(self) -> dict[str, Any]:
        """What the model is told beside the number of tokens."""
        given = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        return {name: value for name, value in given.items() if value is not None}

    def stops(self) -> tuple[str, ...]:
        """Where the answer ends."""
        stops = (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())
        if len(stops) > _STOPS:
            raise _wrong("stop", f"at most {_STOPS} stop words can be given")
        return stops


class Completion(Common, kw_only=True):
    """A text to be continued."""

    prompt: str | list[str]

    def question(self) -> Question:
        """As the model is asked."""
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if len(prompts) != 1:
            raise _wrong("prompt", "one prompt at a time can be answered; send a request for each")
        return Question(prompts[0], self.max_tokens or _TOKENS, self.parameters(), self.stops())


class Part(msgspec.Struct):
    """A part of a message's content."""

    type: Literal["text"]
    text: str


class Message(msgspec.Struct):
    """One message of a chat."""

    role: Literal["developer", "system", "user", "assistant"]
    content: str | list[Part] | None = None

    def plain(self) -> dict[str, str]:
        """Its text as one."""
        content = self.content or ""
        return {"role": self.role, "content": content if isinstance(content, str) else "".join(p.text for p in content)}


class Chat(Common, kw_only=True):
    """Messages to be answered."""

    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_completion_tokens: Count | None = None

    def question(self) -> Question:
        """As the model is asked."""
        tokens = self.max_completion_tokens or self.max_tokens or _CHAT_TOKENS
        return Question([message.plain() for message in self.messages], tokens, self.parameters(), self.stops())


_ONLY: Final[Mapping[str, tuple[Any, ...]]] = {
    "n": (1,),
    "best_of": (1,),
    "echo": (False,),
    "logprobs": (False, 0),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "suffix": ("",),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
}
"""Fields of the API that mean more than can be done, and the values that mean nothing."""
_IGNORED: Final = frozenset(
    {"user", "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier", "prompt_cache_key"}
)
"""Say nothing of the text."""
_ANY: Final = msgspec.json.Decoder(dict[str, Any])


def model_of(body: bytes) -> str:
    """The model that a request names."""
    name = _decoded(body).get("model")
    if not isinstance(name, str) or not name:
        raise _wrong("model", 'name the model as "<workspace>/<pipeline>", or by the name of its pipeline')
    return name


def read(body: bytes, defaults: Mapping[str, Any], shape: type[Completion | Chat]) -> Completion | Chat:
    """The request; what it leaves out, or says null to, is as in ``defaults``."""
    given = {name: value for name, value in _decoded(body).items() if value is not None}
    fields = {name: value for name, value in defaults.items() if value is not None} | given
    _refuse_impossible(fields, {field.encode_name for field in msgspec.structs.fields(shape)})
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        raise invalid(str(error), param=_place(str(error))) from error


def _refuse_impossible(fields: Mapping[str, Any], known: set[str]) -> None:
    for name, value in fields.items():
        if name in _ONLY:
            if value not in _ONLY[name]:
                possible = " or ".join(map(repr, _ONLY[name]))
                raise _wrong(name, f"{name} is not supported here but for {possible}")
        elif name not in known and name not in _IGNORED:
            raise _wrong(name[:100], f"{name[:100]!r} is not a parameter that is known here")


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        return _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the body is not a JSON object: {error}") from error


def _place(message: str) -> str | None:
    """The field that a message of msgspec is about: ``… - at `$.messages[0].role` ``."""
    _, found, rest = message.partition(" - at `$.")
    return rest.rstrip("`") if found else None


def _wrong(name: str, message: str) -> DomainError:
    return invalid(message, param=name)
