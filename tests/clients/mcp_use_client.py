"""The Python package `mcp-use`: tools of an MCP server for LangChain.

It makes a model of each schema, and sends null for every optional argument that an agent left out. What it sends is
recorded on its way to the program, so that these facts are about that.
"""

import asyncio
import json
import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

# Its makers are told nothing.
os.environ["MCP_USE_ANONYMIZED_TELEMETRY"] = "false"

from mcp_use import MCPClient
from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter

# It logs what a fact expects to fail.
logging.disable(logging.CRITICAL)

FACTS = json.loads(Path(sys.argv[1]).read_text())
# The rest of a connection has a default, and is left out.
CONNECTION = {"host": FACTS["host"], "apiKey": FACTS["apiKey"], "use_ssl": False}

RECORD = 'tee "$0" | "$@"'


def recorded(path):
    """The arguments of each call, by the name of its tool."""
    messages = [json.loads(line) for line in path.read_text().splitlines()]
    calls = [message["params"] for message in messages if message.get("method") == "tools/call"]
    return {call["name"]: call["arguments"] for call in calls}


def answer(result):
    """The JSON of a result, which comes as one text, or as blocks joined to one."""
    return json.JSONDecoder().raw_decode(result)[0]


def items(answered):
    """The items of a list, which come as columns and rows where that is shorter."""
    if "items" in answered:
        return answered["items"]
    return [dict(zip(answered["columns"], row)) for row in answered["rows"]]


async def alarms(tools):
    rows = items(answer(await tools["list_alarms"].ainvoke({**CONNECTION, "severity": 1, "limit": 2})))
    assert 0 < len(rows) <= 2, rows
    assert {int(alarm["numericSeverity"]) for alarm in rows} == {1}, rows


async def catalogue(tools):
    found = answer(await tools["find_operations"].ainvoke({"query": "mute a noisy device"}))["operations"]
    assert "configure_suppress_alarm" in [line["operation"] for line in found[:3]], found
    probes = answer(await tools["call_operation"].ainvoke({**CONNECTION, "operation": "list_probes"}))
    assert items(probes), probes


async def required(tools):
    # Its models let nothing be left out that is required.
    told = str(await tools["list_alarms"].ainvoke({**CONNECTION, "apiKey": "", "severity": 9}))
    assert "`severity` must be 1 to 5" in told and "`apiKey` is missing" in told, told


async def check(way, server, record=None):
    client = MCPClient.from_dict({"mcpServers": {"opmanager": server}})
    try:
        adapter = LangChainAdapter()
        await adapter.create_tools(client)
        tools = {tool.name: tool for tool in adapter.tools}
        assert list(tools) == [entry["tool"]["name"] for entry in FACTS["tools"]["read"]], list(tools)
        for text, fact in (
            ("list_alarms with a severity and nothing else gives alarms of that severity", alarms),
            ("operations are found by a query alone, and called without arguments", catalogue),
            ("what is required and empty is missing, by name", required),
        ):
            await fact(tools)
            print(f"ok Python mcp-use {version('mcp-use')} over {way}: {text}", flush=True)
    finally:
        await client.close_all_sessions()
    if record:
        sent = recorded(record)
        for tool, name in (("list_alarms", "deviceName"), ("find_operations", "toolset"), ("call_operation", "arguments")):
            assert name in sent[tool] and sent[tool][name] is None, f"{tool} is sent {sent[tool]}"
        print(f"ok Python mcp-use {version('mcp-use')} over {way}: what is left out was sent as null", flush=True)


async def main():
    with TemporaryDirectory() as folder:
        record = Path(folder) / "sent"
        program = [FACTS["program"], "--log-level", "off"]
        await check("pipes", {"command": "bash", "args": ["-c", RECORD, str(record), *program]}, record)
    await check("HTTP", {"url": FACTS["urls"]["read"]})


asyncio.run(main())
