// The TypeScript clients: version 2, which negotiates, and version 1, which knows the handshake only.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as StdioClientTransportV1 } from "@modelcontextprotocol/sdk/client/stdio.js";

import { check, facts, identity, options } from "./facts.mjs";

const session = (client, version) => ({
    version,
    list: async () => (await client.listTools()).tools,
    call: (name, given) => client.callTool({ name, arguments: given }),
    close: () => client.close(),
});

await check("TypeScript client 2.4.0 (auto)", "2026-07-28", async (access) => {
    const client = new Client(identity, { versionNegotiation: { mode: "auto" } });
    await client.connect(new StdioClientTransport({ command: facts.program, args: options(access) }));
    return session(client, client.getNegotiatedProtocolVersion());
});

await check("TypeScript sdk 1.32.2 (legacy)", "2025-11-25", async (access) => {
    const client = new ClientV1(identity);
    const transport = new StdioClientTransportV1({ command: facts.program, args: options(access) });
    // The client keeps the version to itself, but tells it to transports that want it.
    let version;
    transport.setProtocolVersion = (negotiated) => (version = negotiated);
    await client.connect(transport);
    return session(client, version);
});
