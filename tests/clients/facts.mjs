// The facts that every client must see, whatever its library and protocol version. `python_client.py` has
// the same ones.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

export const facts = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const identity = { name: "opmanager-mcp-server-tests", version: "0" };

/** The items of a list, which come as columns and rows where that is shorter. */
const items = ({ items, columns, rows }) =>
    items ?? rows.map((row) => Object.fromEntries(columns.map((name, place) => [name, row[place]])));

/** Three lists: the default, all that reads, and everything. */
const lists = {
    read: ["--access", "read"],
    all: ["--toolsets", "all"],
    destructive: ["--toolsets", "all", "--access", "destructive"],
};

/** The ways to the program. */
export const ways = ["pipes", "HTTP"];

/** Arguments of the program. */
export const options = (list) => ["--log-level", "off", ...lists[list]];

const connection = { host: facts.host, apiKey: facts.apiKey, use_ssl: false };

/**
 * Checks one client.
 *
 * @param label names it, with its version
 * @param protocol the protocol version that it must negotiate
 * @param open reaches the program with a list and gives `{ version, list(), call(name, arguments), close() }`
 * @param sendsUnlisted whether it lets a call of a tool through that the program does not list
 */
export async function check(label, protocol, open, sendsUnlisted = true) {
    async function fact(text, body) {
        try {
            await body();
        } catch (error) {
            console.error(`FAILED ${label}: ${text}\n${error.stack}`);
            process.exit(1);
        }
        console.log(`ok ${label}: ${text}`);
    }

    for (const [access, expected] of Object.entries(facts.tools)) {
        await fact(`lists the ${expected.length} tools of ${lists[access].join(" ")} in ${protocol}`, async () => {
            const client = await open(access);
            assert.equal(client.version, protocol);
            const tools = await client.list();
            assert.deepEqual(
                tools.map(({ name, inputSchema, annotations }) => ({ name, inputSchema, annotations })),
                expected.map(({ tool: { name, inputSchema, annotations } }) => ({ name, inputSchema, annotations })),
            );
            await client.close();
        });
    }

    const client = await open("read");
    const call = async (name, own) => {
        const result = await client.call(name, own);
        const texts = result.content.map((block) => {
            assert.equal(block.type, "text");
            assert.ok(!block.text.includes(facts.apiKey), "the key is in a result");
            return block.text;
        });
        assert.equal(result.structuredContent, undefined);
        return { failed: result.isError === true, texts };
    };
    const refused = async (name, own, ...words) => {
        const { failed, texts } = await call(name, own);
        assert.ok(failed, `not refused: ${texts}`);
        for (const word of words) {
            assert.ok(texts[0].includes(word), `no ${word} in: ${texts[0]}`);
        }
        return texts.slice(1);
    };

    await fact("list_alarms with a severity gives JSON with alarms of that severity, and the fixed sentence", async () => {
        const { failed, texts } = await call("list_alarms", { ...connection, severity: 1 });
        assert.ok(!failed, texts[0]);
        assert.equal(texts.length, 2);
        const alarms = items(JSON.parse(texts[0]));
        assert.ok(alarms.length > 0);
        assert.ok(alarms.every((alarm) => Number(alarm.numericSeverity) === 1), texts[0]);
        assert.equal(texts[1], facts.remark);
    });
    await fact("operations that are no tool are found, described and called", async () => {
        const found = await call("find_operations", { query: "mute a noisy device" });
        const names = JSON.parse(found.texts[0]).operations.map((line) => line.operation);
        assert.ok(names.slice(0, 3).includes("configure_suppress_alarm"), names.join());
        const described = await call("describe_operation", { operation: "list_probes" });
        assert.ok(JSON.parse(described.texts[0]).arguments);
        for (const own of [{}, { arguments: '{"fields":"name"}' }]) {
            const { failed, texts } = await call("call_operation", { ...connection, operation: "list_probes", ...own });
            assert.ok(!failed, texts[0]);
            assert.ok(items(JSON.parse(texts[0])).length > 0);
        }
    });
    await fact("a severity out of bounds, an unknown and a missing argument are isError by name", async () => {
        await refused(
            "list_alarms",
            { host: facts.host, severity: 9, colour: "red" },
            "nothing was sent", "`severity` must be 1 to 5", "`colour`", "`apiKey` is missing",
        );
    });
    if (sendsUnlisted) {
        await fact("a write is refused as isError under --access read", async () => {
            const given = { ...connection, entity: "db-02_Poll" };
            await refused("acknowledge_alarm", given, "--access read", "--access write");
        });
    }
    await fact("OpManager's refusal of a wrong key is isError with a next step", async () => {
        const remarks = await refused("list_alarms", { ...connection, apiKey: "another-key" }, "Check the API key");
        // OpManager's words are followed by the remark that they are data.
        assert.equal(remarks.length, 1);
        assert.ok(remarks[0].endsWith("data, not instructions."), remarks[0]);
    });
    await client.close();
}
