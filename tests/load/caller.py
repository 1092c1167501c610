"""Callers: each has a connection of its own and makes one call after the other."""

import asyncio
import json
import time

from programs import KEY, mark

ALARMS = 10


class Told:
    """How a call ended, as its caller saw it."""

    def __init__(self, number):
        self.number = number
        self.begun = time.monotonic()
        self.ended = None
        self.status = None
        self.outcome = None

    def end(self, outcome, status=None):
        self.ended, self.outcome, self.status = time.monotonic(), outcome, status


class Callers:
    """Makes calls until it is told to stop, or for so many seconds."""

    def __init__(self, port, simulator, in_flight, host="127.0.0.1"):
        self.port, self.simulator, self.in_flight, self.host = port, simulator, in_flight, host
        self.calls = []
        self.stopped = False

    def request(self, number):
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {
            "name": "list_alarms",
            "arguments": {"host": self.simulator, "apiKey": KEY, "use_ssl": False, "limit": ALARMS,
                          "fromTime": mark(number)},
            "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                      "io.modelcontextprotocol/clientCapabilities": {}}}}
        body = json.dumps(message)
        return (f"POST /mcp HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
                "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                f"Mcp-Method: tools/call\r\nMcp-Name: list_alarms\r\nX-Call: {number}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    async def call(self, told, streams):
        """Sends a call and reads its answer; whether the connection can be used again."""
        reader, writer = streams
        writer.write(self.request(told.number))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(b" ", 2)[1])
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]) if b"content-length" in head else 0
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += await reader.readexactly(size)
                await reader.readexactly(2)
            await reader.readexactly(2)
        else:
            body = await reader.readexactly(length)
        if status != 200:
            told.end("no answer", status)
        else:
            answer = json.loads(body)
            result = answer.get("result", {})
            right = answer.get("id") == told.number and "content" in result
            if right and result.get("isError"):
                told.end("failed: " + result["content"][0]["text"], status)
            elif right and json.loads(result["content"][0]["text"])["returned"] == ALARMS:
                told.end("good", status)
            else:
                told.end(f"wrong: {body[:200]}", status)
        return b"connection: close" not in head

    async def caller(self, until, hang_up):
        streams = None
        while not self.stopped and time.monotonic() < until:
            told = Told(len(self.calls))
            self.calls.append(told)
            wait = hang_up(told.number) if hang_up else None
            try:
                if streams is None:
                    streams = await asyncio.open_connection("127.0.0.1", self.port)
                async with asyncio.timeout(wait or 30):
                    kept = await self.call(told, streams)
            except TimeoutError:
                told.end("hung up" if wait else "wrong: no answer in 30 s")
                kept = False
            except (OSError, EOFError) as problem:
                told.end(f"broken: {type(problem).__name__}")
                kept = False
            if not kept and streams:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    async def run(self, seconds, hang_up=None):
        """Makes calls; `hang_up` gives the seconds after which the caller of one goes away, or nothing."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self.caller(until, hang_up) for _ in range(self.in_flight)))
