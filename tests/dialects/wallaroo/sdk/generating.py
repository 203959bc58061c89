"""Upload a language model, configure and deploy it, and have it complete and chat, streamed and whole."""

import pyarrow as pa
from steps import in_workspace, text_of
from wallaroo.framework import Framework
from wallaroo.openai_config import OpenaiConfig

CHAT = [{"role": "user", "content": "The red"}]


def run(given):
    client = in_workspace(given)
    model = client.upload_model(
        "words",
        given["file"],
        framework=Framework.CUSTOM,
        input_schema=pa.schema([pa.field("prompt", pa.string())]),
        output_schema=pa.schema([pa.field("text", pa.string())]),
    )
    config = OpenaiConfig(
        enabled=True, completion_config={"temperature": 0, "max_tokens": 1}, chat_completion_config={"temperature": 0}
    )
    model = model.configure(openai_config=config)
    pipeline = client.build_pipeline("words").add_model_step(model)
    pipeline.deploy()
    whole = pipeline.openai_completion(prompt="The red", temperature=None)
    stream = pipeline.openai_completion(prompt="The red", stream=True)
    chat = pipeline.openai_chat_completion(messages=CHAT)
    talk = pipeline.openai_chat_completion(messages=CHAT, stream=True)
    said = {
        "configured": model.config().openai_config().enabled,
        "whole": whole.choices[0].text,
        "used": whole.usage.completion_tokens,
        "stream": [chunk.choices[0].text for chunk in stream],
        "chat": chat.choices[0].message.content,
        "talk": [chunk.choices[0].delta.content or "" for chunk in talk],
        "refused": text_of(pipeline.openai_completion, prompt="The red", n=3),
    }
    frame = pipeline.logs(limit=10)
    said["logged"] = frame["out.text"].tolist()
    said["columns"] = list(frame.columns)
    pipeline.undeploy()
    return said
