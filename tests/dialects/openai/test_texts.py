"""Completions and chats over plain HTTP: what is answered, streamed, refused, cut and logged."""

import json
import threading
import time
from typing import Any

import pytest
from text_models import Texts, running, uploaded

from dialects.wallaroo import deploying
from running import eventually
from wire import Caller, invite, sign_in

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "The red"}]


def events(texts: Texts, path: str, body: dict[str, Any]) -> list[Any]:
    """What a stream says, the last of it as it stands."""
    answer = texts.caller.call("POST", path, json=body | {"stream": True}, stream=True)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    said = [line.removeprefix("data: ") for line in answer.iter_lines(decode_unicode=True) if line]
    return [json.loads(each) if each.startswith("{") else each for each in said]


def test_a_prompt_is_continued(texts: Texts) -> None:
    answer = texts.caller.post(texts.below(texts.words), {"model": "", "prompt": "The red", "temperature": 0})
    (choice,) = answer["choices"]
    assert choice["text"].startswith(" wine")
    assert (answer["object"], answer["model"], choice["finish_reason"]) == ("text_completion", "words.zip", "stop")
    assert answer["usage"]["prompt_tokens"] == 2
    assert answer["usage"]["total_tokens"] == 2 + answer["usage"]["completion_tokens"]


def test_a_chat_is_answered(texts: Texts) -> None:
    answer = texts.caller.post(texts.below(texts.words, "chat/completions"), {"messages": MESSAGES})
    (choice,) = answer["choices"]
    assert answer["object"] == "chat.completion"
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["content"].startswith(" wine")


def test_streams_say_the_same_piece_by_piece(texts: Texts) -> None:
    asked = {"prompt": "The red", "seed": 9, "max_tokens": 5}
    whole = texts.caller.post(texts.below(texts.words), asked)
    *pieces, last, used, done = events(
        texts, texts.below(texts.words), asked | {"stream_options": {"include_usage": True}}
    )
    assert len(pieces) == whole["usage"]["completion_tokens"]
    assert "".join(each["choices"][0]["text"] for each in pieces) == whole["choices"][0]["text"]
    assert last["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert (used["choices"], used["usage"], done) == ([], whole["usage"], "[DONE]")


def test_streamed_chats_begin_with_the_role(texts: Texts) -> None:
    first, second, *_, last, done = events(texts, texts.below(texts.words, "chat/completions"), {"messages": MESSAGES})
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert second["choices"][0]["delta"] == {"content": " wine"}
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"], done) == ({}, "stop", "[DONE]")


def test_the_first_piece_comes_before_the_last_is_made(texts: Texts) -> None:
    body = {"prompt": "count 8 0.3", "stream": True}
    began = time.monotonic()
    answer = texts.caller.call("POST", texts.below(texts.told), json=body, stream=True)
    times = [time.monotonic() - began for line in answer.iter_lines() if line]
    assert times[0] < 1.0
    assert times[-1] > 2.0


def test_parameters_come_from_the_request_the_configuration_and_the_api(texts: Texts) -> None:
    given = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": None, "user": "somebody", "n": 1}
    assert texts.text("parameters", **given) == (
        "[('max_tokens', 7), ('seed', 3), ('temperature', 0.5), ('top_p', 0.9)]"
    )
    chat = {"messages": [{"role": "user", "content": [{"type": "text", "text": "parameters"}]}]}
    answer = texts.caller.post(texts.below(texts.told, "chat/completions"), chat)
    assert answer["choices"][0]["message"]["content"] == "[('max_tokens', 1024)]"
    configured = {texts.caller.post(texts.below(texts.words), {"prompt": "In"})["choices"][0]["text"] for _ in range(4)}
    assert len(configured) == 1, "the configured seed is in force"


def test_answers_end_at_stop_words_and_at_the_most_tokens(texts: Texts) -> None:
    answer = texts.ask("count 9 0", stop=["3 4", "never"])
    assert (answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]) == ("0 1 2 ", "stop")
    answer = texts.ask("count 9 0", max_tokens=2)
    assert (answer["choices"][0]["text"], answer["choices"][0]["finish_reason"]) == ("0 1 ", "length")
    assert answer["usage"] is None, "this model counts no tokens"


def test_large_pieces_come_whole(texts: Texts) -> None:
    assert texts.text("long") == "x" * 100_000
    assert len(texts.text("y" * 1_000_000)) == 1_000_000


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": 2}, "n is not supported here but for 1"),
        ({"echo": True}, "echo is not supported"),
        ({"logprobs": 3}, "logprobs is not supported"),
        ({"temperature": "hot"}, "`$.temperature`"),
        ({"temperature": 3}, "`$.temperature`"),
        ({"max_tokens": 0}, "`$.max_tokens`"),
        ({"top_p": 0}, "`$.top_p`"),
        ({"stop": [""]}, "`$.stop[0]`"),
        ({"stop": ["x"] * 17}, "at most 16 stop words"),
        ({"seed": 1.5}, "`$.seed`"),
        ({"prompt": ["a", "b"]}, "one prompt at a time"),
        ({"prompt": [1, 2]}, "`$.prompt[0]`"),
        ({"messages": []}, "'messages' is not a parameter"),
        ({"magic": True}, "'magic' is not a parameter"),
        ({"stream": "yes"}, "`$.stream`"),
    ],
)
def test_what_cannot_be_done_is_named(texts: Texts, given: dict[str, Any], words: str) -> None:
    refused = texts.caller.post(texts.below(texts.told), {"prompt": "hello"} | given, 400)
    assert (refused["code"], refused["source"], refused["status"]) == (400, "engine", "error")
    assert words in refused["error"]


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": 5}], [{"role": "wizard", "content": "x"}], "x"])
def test_messages_that_are_none_are_refused(texts: Texts, messages: Any) -> None:
    refused = texts.caller.post(texts.below(texts.told, "chat/completions"), {"messages": messages}, 400)
    assert "$.messages" in refused["error"]


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b'{"prompt": "\\ud800"}'])
def test_bodies_that_are_no_requests_are_refused(texts: Texts, body: bytes) -> None:
    answer = texts.caller.call("POST", texts.below(texts.told), data=body)
    assert answer.status_code == 400, answer.text


def test_a_prompt_beyond_the_bodys_limit_is_too_large(texts: Texts) -> None:
    answer = texts.caller.call("POST", texts.below(texts.told), data=b'{"prompt": "' + b"x" * 120_000_000)
    assert answer.status_code == 413


def test_models_are_named_at_the_root(texts: Texts) -> None:
    body = {"prompt": "hello", "model": f"{texts.workspace}/told"}
    assert texts.caller.post("/openai/v1/completions", body)["choices"][0]["text"] == "hello"
    assert texts.caller.post("/openai/v1/completions", body | {"model": "told"})["model"] == "told"
    listed = texts.caller.call("GET", "/openai/v1/models").json()["data"]
    assert [each["id"] for each in listed] == [f"{texts.workspace}/told", f"{texts.workspace}/words"]
    assert texts.caller.call("GET", f"/openai/v1/models/{texts.workspace}/told").json()["object"] == "model"
    for model in ("none", "none/told", f"{texts.workspace}/none"):
        refused = texts.caller.post("/openai/v1/completions", body | {"model": model}, 404)
        assert refused["error"]["code"] == "model_not_found"
    refused = texts.caller.post("/openai/v1/completions", {"prompt": "hello"}, 400)
    assert refused["error"]["param"] == "model"


def test_pipelines_that_generate_nothing_are_a_conflict(texts: Texts) -> None:
    namespace = deploying.running(texts.caller, texts.space, "ccfraud.onnx")
    refused = texts.caller.post(texts.below(namespace), {"prompt": "hello"}, 409)
    assert refused["source"] == "engine"
    assert "openai_config" in refused["error"]
    answer = texts.caller.call("POST", "/openai/v1/completions", json={"model": "fraud", "prompt": "hello"})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (409, "false")


def test_strangers_find_nothing_and_nobody_is_asked_to_sign_in(texts: Texts) -> None:
    person = invite(texts.server, "stranger")
    stranger = sign_in(texts.server, person.email, person.password)
    assert "not found" in stranger.post(texts.below(texts.told), {"prompt": "hello"}, 404)["error"]
    stranger.post("/openai/v1/completions", {"prompt": "hello", "model": f"{texts.workspace}/told"}, 404)
    assert stranger.call("GET", "/openai/v1/models").json()["data"] == []
    nobody = Caller(texts.server.url or "")
    assert nobody.call("POST", texts.below(texts.told), data=b"{").status_code == 401
    refused = nobody.post("/openai/v1/completions", {"prompt": "hello", "model": "told"}, 401)
    assert refused["error"]["code"] == "invalid_api_key"


def test_a_model_that_breaks_is_told_before_and_within_a_stream(texts: Texts) -> None:
    assert "expected" in texts.ask("number", status=500)["error"]
    refused = texts.ask("fail", status=500)
    assert "it broke in place.py" in refused["error"]
    first, broken = events(texts, texts.below(texts.told), {"prompt": "fail"})
    assert first["choices"][0]["text"] == "so far "
    assert "it broke in place.py" in broken["error"]["message"]
    assert texts.logged(texts.told)[0]["out"]["finish_reason"] == "error"


def test_answers_are_logged_with_what_was_asked(texts: Texts) -> None:
    answer = texts.caller.post(texts.below(texts.words), {"prompt": "The bread", "seed": 2})
    row = texts.logged(texts.words)[0]
    assert row["in"]["prompt"] == "The bread"
    assert json.loads(row["in"]["parameters"]) == {"max_tokens": 16, "seed": 2, "stop": []}
    assert row["out"]["text"] == answer["choices"][0]["text"]
    assert json.loads(row["out"]["usage"]) == answer["usage"]
    events(texts, texts.below(texts.words, "chat/completions"), {"messages": MESSAGES})
    row = texts.logged(texts.words)[0]
    assert json.loads(row["in"]["messages"]) == MESSAGES
    assert row["out"]["finish_reason"] == "stop"


@pytest.mark.alone
def test_the_model_stops_within_a_second_when_the_client_goes(texts: Texts) -> None:
    assert eventually(lambda: texts.text("open") == "0")
    answer = texts.caller.call(
        "POST",
        texts.below(texts.told),
        json={"prompt": "count 900 0.1", "stream": True, "max_tokens": 999},
        stream=True,
    )
    lines = answer.iter_lines()
    assert b'"0 "' in next(lines)
    assert texts.text("open") == "1", "others are answered meanwhile"
    answer.close()
    began = time.monotonic()
    assert eventually(lambda: texts.text("open") == "0", seconds=5)
    assert time.monotonic() - began < 1.0
    cut = next(row for row in texts.logged(texts.told) if row["in"]["prompt"] == "count 900 0.1")
    assert cut["out"]["finish_reason"] == "cancelled"
    assert cut["out"]["text"].startswith("0 ")
    assert cut["out"]["usage"] == "null"


def test_a_whole_answer_has_the_time_of_its_request_and_a_stream_that_of_each_piece(texts: Texts) -> None:
    path, body = texts.below(texts.told), {"prompt": "count 12 0.1", "max_tokens": 100}
    answer = texts.caller.call("POST", path, json=body, headers={"X-Request-Timeout": "500ms"})
    assert (answer.status_code, answer.json()["code"]) == (504, 504)
    assert eventually(lambda: texts.text("open") == "0")
    streamed = texts.caller.call("POST", path, json=body | {"stream": True}, headers={"X-Request-Timeout": "500ms"})
    assert streamed.text.endswith("data: [DONE]\n\n")


def test_many_answers_are_made_at_the_same_time(texts: Texts) -> None:
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(texts.text("count 10 0.05"))) for _ in range(4)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    seen = {texts.text("open") for _ in range(3)}
    for thread in threads:
        thread.join()
    assert said == ["0 1 2 3 4 5 6 7 8 9 "] * 4
    assert seen & {"2", "3", "4"}
    assert time.monotonic() - began < 10


def test_a_reader_that_stops_reading_holds_up_nobody(texts: Texts) -> None:
    stalled = texts.caller.call(
        "POST",
        texts.below(texts.told),
        json={"prompt": "count 100000 0", "stream": True, "max_tokens": 100000},
        stream=True,
    )
    time.sleep(1)
    assert texts.text("hello") == "hello"
    stalled.close()
    assert eventually(lambda: texts.text("open") == "0", seconds=10)


def test_a_model_that_is_not_configured_generates_nothing_and_answers_rows(texts: Texts, words_file: Any) -> None:
    version = uploaded(texts.caller, texts.space, "plain", words_file)
    namespace = running(texts.caller, texts.space, "plain", version, enabled=False)
    texts.caller.post(texts.below(namespace), {"prompt": "The"}, 409)
    (row,) = texts.caller.post(deploying.path(namespace), [{"prompt": "The red"}])
    assert row["out"]["text"].startswith(" wine")


def test_the_real_client_completes_chats_streams_and_lists(texts: Texts, openai_client: Any) -> None:
    name = f"{texts.workspace}/words"
    said = openai_client(
        texts.server,
        f"""
name = {name!r}
done = client.completions.create(model=name, prompt="The red", temperature=0)
chat = client.chat.completions.create(model="words", messages=[{{"role": "user", "content": "The red"}}])
stream = client.completions.create(model=name, prompt="The red", temperature=0, stream=True)
chunks = [chunk.choices[0].text for chunk in stream]
talk = client.chat.completions.create(
    model=name, messages=[{{"role": "user", "content": "The red"}}], stream=True,
    stream_options={{"include_usage": True}},
)
parts = list(talk)
print(json.dumps({{
    "done": done.choices[0].text, "used": done.usage.completion_tokens, "chat": chat.choices[0].message.content,
    "chunks": chunks, "talk": "".join(p.choices[0].delta.content or "" for p in parts if p.choices),
    "tokens": parts[-1].usage.completion_tokens, "models": [m.id for m in client.models.list()],
    "one": client.models.retrieve(name).owned_by,
}}))
""",
    )
    assert said["done"].startswith(" wine")
    assert "".join(said["chunks"]) == said["done"]
    assert said["talk"] == said["chat"]
    assert said["tokens"] > 0
    assert name in said["models"]
    assert said["one"] == texts.workspace


def test_the_real_client_raises_its_own_errors(texts: Texts, openai_client: Any) -> None:
    said = openai_client(
        texts.server,
        """
import time
def raised(**given):
    began = time.monotonic()
    try:
        list(client.completions.create(**{"model": "told", "prompt": "hello", "stream": True, **given}))
    except openai.APIError as error:
        return [type(error).__name__, error.message, time.monotonic() - began]
print(json.dumps({
    "missing": raised(model="none"), "two": raised(n=2), "broken": raised(prompt="fail"),
    "early": raised(prompt="number"),
}))
""",
    )
    assert said["missing"][0] == "NotFoundError"
    assert said["two"][0] == "BadRequestError"
    assert said["broken"][0] == "APIError"
    assert "it broke in place.py" in said["broken"][1]
    assert said["early"][0] == "InternalServerError"
    assert said["early"][2] < 0.4, "nothing is sent again"
