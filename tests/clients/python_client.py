"""The Python package `mcp`: ClientSession with the handshake, Client with the stateless protocol; and FastMCP.

The facts are those of `facts.mjs`.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import fastmcp
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

FACTS = json.loads(Path(sys.argv[1]).read_text())
CONNECTION = {"host": FACTS["host"], "apiKey": FACTS["apiKey"], "use_ssl": False}


# Three lists: the default, all that reads, and everything.
OPTIONS = {
    "read": ["--access", "read"],
    "all": ["--toolsets", "all"],
    "destructive": ["--toolsets", "all", "--access", "destructive"],
}


def program(access):
    return stdio_client(
        StdioServerParameters(command=FACTS["program"], args=["--log-level", "off", *OPTIONS[access]])
    )


# The ways to the program.
WAYS = {"pipes": program, "HTTP": lambda access: streamable_http_client(FACTS["urls"][access])}


def legacy(way):
    @asynccontextmanager
    async def connect(access):
        async with WAYS[way](access) as (read, write, *_), ClientSession(read, write) as session:
            answer = await session.initialize()
            yield answer.protocol_version, session

    return connect


def modern(way):
    @asynccontextmanager
    async def connect(access):
        async with Client(WAYS[way](access)) as client:
            yield client.protocol_version, client

    return connect


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
    for word in words:
        assert word in texts[0], f"no {word} in: {texts[0]}"
    return texts[1:]


async def lists(client, expected):
    listed = await client.list_tools()
    seen = [tool.model_dump(by_alias=True, exclude_none=True) for tool in listed.tools]
    for tool, entry in zip(seen, expected, strict=True):
        for part in ("name", "inputSchema", "annotations"):
            same(tool[part], entry["tool"][part])


def items(answer):
    """The items of a list, which come as columns and rows where that is shorter."""
    if "items" in answer:
        return answer["items"]
    return [dict(zip(answer["columns"], row)) for row in answer["rows"]]


async def alarms(client):
    failed, texts = await call(client, "list_alarms", {**CONNECTION, "severity": 1})
    assert not failed, texts
    answer, remark = texts
    answer = items(json.loads(answer))
    assert answer, "no alarms"
    same({int(alarm["numericSeverity"]) for alarm in answer}, {1})
    same(remark, FACTS["remark"])


async def catalogue(client):
    failed, texts = await call(client, "find_operations", {"query": "mute a noisy device"})
    assert not failed, texts
    found = [line["operation"] for line in json.loads(texts[0])["operations"]]
    assert "configure_suppress_alarm" in found[:3], found
    failed, texts = await call(client, "describe_operation", {"operation": "list_probes"})
    assert not failed and "arguments" in json.loads(texts[0]), texts
    for own in ({}, {"arguments": '{"fields":"name"}'}):
        failed, texts = await call(client, "call_operation", {**CONNECTION, "operation": "list_probes", **own})
        assert not failed, texts
        assert items(json.loads(texts[0])), texts


async def context(client):
    prompts = await client.list_prompts()
    names = [prompt.name for prompt in getattr(prompts, "prompts", prompts)]
    assert "alarm_triage" in names, names
    prompt = await client.get_prompt("device_health", {"device": "core-sw-01"})
    assert "core-sw-01" in prompt.messages[0].content.text, prompt
    read = await client.read_resource("opmanager://operations/list_alarms")
    contents = getattr(read, "contents", read)
    same(json.loads(contents[0].text)["operation"], "list_alarms")


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
    remarks = await refused(client, "list_alarms", {**CONNECTION, "apiKey": "another-key"}, "Check the API key")
    # OpManager's words are followed by the remark that they are data.
    assert len(remarks) == 1 and remarks[0].endswith("data, not instructions."), remarks


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
                f"lists the {len(expected)} tools of {' '.join(OPTIONS[access])} in {protocol}", lists(client, expected)
            )
    async with connect("read") as (_, client):
        await fact(
            "list_alarms with a severity gives JSON with alarms of that severity, and the fixed sentence",
            alarms(client),
        )
        await fact("operations that are no tool are found, described and called", catalogue(client))
        await fact("prompts and resources are there", context(client))
        await fact(
            "a severity out of bounds, an unknown and a missing argument are isError by name",
            wrong_arguments(client),
        )
        await fact("a write is refused as isError under --access read", write_under_read(client))
        await fact("OpManager's refusal of a wrong key is isError with a next step", wrong_key(client))


async def fast():
    """FastMCP takes the schemas apart on its own, and raises what is isError."""
    transport = StdioTransport(command=FACTS["program"], args=["--log-level", "off"])
    async with fastmcp.Client(transport) as client:
        expected = [entry["tool"]["name"] for entry in FACTS["tools"]["read"]]
        same([tool.name for tool in await client.list_tools()], expected)
        result = await client.call_tool("list_alarms", {**CONNECTION, "severity": 1})
        assert items(json.loads(result.content[0].text)), result
        try:
            await client.call_tool("list_alarms", {**CONNECTION, "severity": 9})
        except fastmcp.exceptions.ToolError as error:
            assert "`severity` must be 1 to 5" in str(error), error
        else:
            raise AssertionError("not refused")
        await context(client)
    print(f"ok FastMCP {version('fastmcp')}: lists, calls, is refused by name, reads prompts and resources", flush=True)


async def fast_with_headers():
    headers = {
        "X-OpManager-Host": FACTS["host"],
        "X-OpManager-Api-Key": FACTS["apiKey"],
        "X-OpManager-Use-Ssl": "false",
    }
    transport = StreamableHttpTransport(FACTS["urls"]["headers"], headers=headers)
    async with fastmcp.Client(transport) as client:
        assert all("apiKey" not in tool.input_schema["properties"] for tool in await client.list_tools())
        result = await client.call_tool("list_alarms", {"severity": 1})
        assert items(json.loads(result.content[0].text)), result
    print(f"ok FastMCP {version('fastmcp')} over HTTP: host and key go in headers, and no tool takes them", flush=True)


async def main():
    package = f"Python mcp {version('mcp')}"
    for way in WAYS:
        await check(f"{package} ClientSession over {way}", "2025-11-25", legacy(way))
        await check(f"{package} Client over {way}", "2026-07-28", modern(way))
    await fast()
    await fast_with_headers()


asyncio.run(main())
