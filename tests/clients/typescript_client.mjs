// The TypeScript clients: version 2, which negotiates, and version 1, which knows the handshake only.

import assert from "node:assert/strict";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioClientTransportV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as StreamableHTTPClientTransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { check, facts, identity, options, ways } from "./facts.mjs";

const session = (client, version) => ({
    version,
    list: async () => (await client.listTools()).tools,
    call: (name, given) => client.callTool({ name, arguments: given }),
    close: () => client.close(),
});

for (const way of ways) {
    await check(`TypeScript client 2.4.0 (auto) over ${way}`, "2026-07-28", async (list) => {
        const client = new Client(identity, { versionNegotiation: { mode: "auto" } });
        await client.connect(
            way === "HTTP"
                ? new StreamableHTTPClientTransport(new URL(facts.urls[list]))
                : new StdioClientTransport({ command: facts.program, args: options(list) }),
        );
        return session(client, client.getNegotiatedProtocolVersion());
    });

    await check(`TypeScript sdk 1.32.2 (legacy) over ${way}`, "2025-11-25", async (list) => {
        const client = new ClientV1(identity);
        const transport =
            way === "HTTP"
                ? new StreamableHTTPClientTransportV1(new URL(facts.urls[list]))
                : new StdioClientTransportV1({ command: facts.program, args: options(list) });
        // The client keeps the version to itself, but tells it to transports that want it.
        let version;
        const tell = transport.setProtocolVersion?.bind(transport);
        transport.setProtocolVersion = (negotiated) => {
            version = negotiated;
            tell?.(negotiated);
        };
        await client.connect(transport);
        return session(client, version);
    });
}

const headers = {
    "X-OpManager-Host": facts.host,
    "X-OpManager-Api-Key": facts.apiKey,
    "X-OpManager-Use-Ssl": "false",
};
const client = new Client(identity, { versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(facts.urls.headers), { requestInit: { headers } }));
const { tools } = await client.listTools();
assert.ok(tools.every((tool) => !("apiKey" in tool.inputSchema.properties)));
const { content, isError } = await client.callTool({ name: "list_alarms", arguments: { severity: 1 } });
assert.ok(!isError && JSON.parse(content[0].text).returned > 0, content[0].text);
await client.close();
console.log("ok TypeScript client 2.4.0 (auto) over HTTP: host and key go in headers, and no tool takes them");
