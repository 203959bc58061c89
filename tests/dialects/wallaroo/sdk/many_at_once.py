"""Asynchronous and parallel inference, and inference from files."""

import asyncio

import httpx
import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    pipeline = deployed(client, "many", upload(client, given, "ccfraud", "ccfraud.onnx"))
    data = f"{given['examples']}/data"
    frame = pd.read_json(f"{data}/ccfraud_smoke.df.json", orient="records")
    table = pa.ipc.open_file(f"{data}/ccfraud_smoke.arrow").read_all()
    wrong = frame.copy()
    wrong.at[2, "tensor"] = [1.0, 2.0]

    parallel = asyncio.run(pipeline.parallel_infer(frame, batch_size=2, num_parallel=3))
    parallel_table = asyncio.run(pipeline.parallel_infer(table, batch_size=3))
    partly = asyncio.run(pipeline.parallel_infer(wrong, batch_size=1))
    result = {
        "async": [row[0] for row in asyncio.run(one(pipeline, frame))["out.dense_1"]],
        "parallel": [row[0] for row in parallel["out.dense_1"]],
        "parallel_table": [row[0] for row in parallel_table["out.dense_1"].to_pylist()],
        "errors": [bool(text) for text in partly["error"]],
        "error": partly["error"].iloc[2],
        "file_json": [row[0] for row in pipeline.infer_from_file(f"{data}/ccfraud_smoke.df.json")["out.dense_1"]],
        "file_arrow": [
            row[0] for row in pipeline.infer_from_file(f"{data}/ccfraud_smoke.arrow")["out.dense_1"].to_pylist()
        ],
        "file_missing": text_of(pipeline.infer_from_file, "nowhere.json"),
    }
    pipeline.undeploy()
    return result


async def one(pipeline, frame):
    async with httpx.AsyncClient() as http:
        return await pipeline.async_infer(frame, async_client=http)
