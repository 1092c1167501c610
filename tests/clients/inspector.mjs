// MCP Inspector, the command-line form: a process per request, in both protocol eras.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { check, facts, options, ways } from "./facts.mjs";

const INSPECTOR = fileURLToPath(new URL("node_modules/.bin/mcp-inspector", import.meta.url));
/** Exit codes: a result, and a result with `isError`. */
const RESULT = 0;
const TOOL_ERROR = 5;

function ask(way, era, list, codes, ...request) {
    const command = [INSPECTOR, "--cli", "--format", "json", "--protocol-era", era, ...request];
    const target =
        way === "HTTP"
            ? ["--transport", "http", "--server-url", facts.urls[list]]
            : ["--", facts.program, ...options(list)];
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...command, ...target],
        { encoding: "utf8", maxBuffer: 1 << 26 },
    );
    assert.ok(codes.includes(status), `exit code ${status}: ${stderr}`);
    return { ...JSON.parse(stdout), status };
}

const eras = [["legacy", "2025-11-25"], ["modern", "2026-07-28"]];
for (const [way, era, protocol] of ways.flatMap((way) => eras.map((era) => [way, ...era]))) {
    const open = async (list) => {
        const it = (codes, ...request) => ask(way, era, list, codes, ...request);
        return {
            version: it([RESULT], "--method", "initialize").result.protocolVersion,
            async list() {
                // --strict exits with an error for what some client refuses; what it only warns of is counted too.
                const { result, schemaFindings } = it([RESULT], "--method", "tools/list", "--strict");
                assert.equal(schemaFindings, undefined);
                return result.tools;
            },
            async call(name, given) {
                const { result, status } = it(
                    [RESULT, TOOL_ERROR],
                    "--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(given),
                );
                assert.equal(status === TOOL_ERROR, result.isError === true);
                return result;
            },
            async close() {},
        };
    };
    // It refuses by itself to call what is not listed.
    await check(`Inspector 2.12.0 (${era}) over ${way}`, protocol, open, false);
}
