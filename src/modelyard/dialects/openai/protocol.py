"""``POST …/openai/v1/completions`` and ``…/chat/completions``, see ``web.inference.generating``.

At the root the body's ``model`` names the deployment; below the URL at which a pipeline is inferred with in Wallaroo's
API the path does, and ``model`` says nothing.
"""

from collections.abc import Sequence
from typing import Final

import orjson
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.openai.dialect import ROOT, STATUS, engine_body, error_body, error_headers
from modelyard.dialects.openai.forms import ChatForm, CompletionForm
from modelyard.dialects.openai.request import Chat, Completion, model_of, read
from modelyard.web.inference.generation_protocol import Asked
from modelyard.web.inference.protocol import Refusal

_BELOW: Final = "/v1/api/pipelines/infer/"
_COMPLETIONS: Final = f"{ROOT}/completions"
_CHAT: Final = f"{ROOT}/chat/completions"
PATHS: Final = tuple(
    f"{place}{path}" for place in ("", f"{_BELOW}{{namespace}}/{{pipeline}}") for path in (_COMPLETIONS, _CHAT)
)
_SHOWN: Final = 200


class OpenAi:
    """See ``web.inference.generation_protocol.GenerationProtocol``."""

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        if not path.endswith("/completions"):
            return False
        return path in (_COMPLETIONS, _CHAT) or (path.startswith(_BELOW) and path.endswith((_COMPLETIONS, _CHAT)))

    def placed(self, scope: Scope, routes: RouteTable) -> Sequence[Route] | None:
        if not _is_below(scope):
            return None
        namespace, _, pipeline = self.shown(scope).partition("/")
        route = routes.get(namespace)
        return [] if route is None or (pipeline and pipeline != route.pipeline_name) else [route]

    def named(self, body: bytes, routes: RouteTable) -> tuple[Sequence[Route], str]:
        name = model_of(body)
        workspace, slash, pipeline = name.partition("/")
        if not slash:
            return routes.named(name), name[:_SHOWN]
        route = routes.at(workspace, pipeline)
        return [] if route is None else [route], name[:_SHOWN]

    def shown(self, scope: Scope) -> str:
        path: str = scope["path"]
        return path.removeprefix(_BELOW).removesuffix(_CHAT).removesuffix(_COMPLETIONS).rstrip("/")[:_SHOWN]

    def read(self, route: Route, body: bytes, scope: Scope) -> Asked:
        generation = route.generation
        if generation is None:
            raise failed_precondition(
                f"deployment {route.namespace} does not answer OpenAI's API: its only step must be a model that "
                "generates text, configured with openai_config enabled; configure it and deploy again"
            )
        if scope["path"].endswith(_CHAT):
            return _asked(read(body, generation.chat, Chat), generation.name, scope)
        return _asked(read(body, generation.completion, Completion), generation.name, scope)

    def refusal(self, error: DomainError, scope: Scope) -> Refusal:
        body = engine_body(error) if _is_below(scope) else error_body(error)
        fields = {"content-type": "application/json", **error_headers(error)}
        return Refusal(STATUS[error.kind], orjson.dumps(body), fields)


def _asked(request: Completion | Chat, file_name: str, scope: Scope) -> Asked:
    question = request.question()
    model = file_name if _is_below(scope) else request.model
    told = request.stream and request.stream_options is not None and bool(request.stream_options.include_usage)
    form = (ChatForm if isinstance(request, Chat) else CompletionForm)(model, told_usage=told)
    prompt = question.prompt
    asked = {"prompt": prompt} if isinstance(prompt, str) else {"messages": orjson.dumps(prompt).decode()}
    parameters = {"max_tokens": question.max_tokens, **question.parameters, "stop": question.stop}
    return Asked(question, request.stream, form, asked | {"parameters": orjson.dumps(parameters).decode()})


def _is_below(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith(_BELOW)
