"""The Python package `mcp`: ClientSession with the handshake, Client with the stateless protocol.

The facts are those of `facts.mjs`.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

FACTS = json.loads(Path(sys.argv[1]).read_text())
CONNECTION = {"host": FACTS["host"], "apiKey": FACTS["apiKey"], "use_ssl": False}


def program(access):
    return stdio_client(
        StdioServerParameters(command=FACTS["program"], args=["--log-level", "off", "--access", access])
    )


@asynccontextmanager
async def legacy(access):
    async with program(access) as (read, write), ClientSession(read, write) as session:
        answer = await session.initialize()
        yield answer.protocol_version, session


@asynccontextmanager
async def modern(access):
    async with Client(program(access)) as client:
        yield client.protocol_version, client


def same(left, right):
    assert left == right, f"{left!r} is not {right!r}"


async def call(client, name, given):
    result = await client.call_tool(name, given)
    same([block.type for block in result.content], ["text"] * len(result.content))
    same(result.structured_content, None)
    texts = [block.text for block in result.content]
    assert all(FACTS["apiKey"] not in text for text in texts), "the key is in a result"
    return result.is_error, texts


async def refused(client, name, given, *words):
    failed, texts = await call(client, name, given)
    assert failed, f"not refused: {texts}"
    same(len(texts), 1)
    for word in words:
        assert word in texts[0], f"no {word} in: {texts[0]}"


async def lists(client, expected):
    listed = await client.list_tools()
    seen = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools]
    for tool, entry in zip(seen, expected, strict=True):
        for part in ("name", "inputSchema", "annotations"):
            same(tool[part], entry["tool"][part])


async def alarms(client):
    failed, texts = await call(client, "list_alarms", {**CONNECTION, "severity": 1})
    assert not failed, texts
    answer, remark = texts
    answer = json.loads(answer)["items"]
    assert answer, "no alarms"
    same({int(alarm["numericSeverity"]) for alarm in answer}, {1})
    same(remark, FACTS["remark"])


async def wrong_arguments(client):
    await refused(
        client,
        "list_alarms",
        {"host": FACTS["host"], "severity": 9, "colour": "red"},
        "nothing was sent",
        "`severity` must be 1 to 5",
        "`colour`",
        "`apiKey` is missing",
    )


async def write_under_read(client):
    given = {**CONNECTION, "entity": "db-02_Poll"}
    await refused(client, "acknowledge_alarm", given, "--access read", "--access write")


async def wrong_key(client):
    await refused(client, "list_alarms", {**CONNECTION, "apiKey": "another-key"}, "Check the API key")


async def check(label, protocol, connect):
    async def fact(text, body):
        try:
            await body
        except BaseException:
            print(f"FAILED {label}: {text}", file=sys.stderr)
            raise
        print(f"ok {label}: {text}", flush=True)

    for access, expected in FACTS["tools"].items():
        async with connect(access) as (negotiated, client):
            same(negotiated, protocol)
            await fact(
                f"lists the {len(expected)} tools of --access {access} in {protocol}", lists(client, expected)
            )
    async with connect("read") as (_, client):
        await fact(
            "list_alarms with a severity gives JSON with alarms of that severity, and the fixed sentence",
            alarms(client),
        )
        await fact(
            "a severity out of bounds, an unknown and a missing argument are isError by name",
            wrong_arguments(client),
        )
        await fact("a write is refused as isError under --access read", write_under_read(client))
        await fact("OpManager's refusal of a wrong key is isError with a next step", wrong_key(client))


async def main():
    package = f"Python mcp {version('mcp')}"
    await check(f"{package} ClientSession", "2025-11-25", legacy)
    await check(f"{package} Client", "2026-07-28", modern)


asyncio.run(main())
