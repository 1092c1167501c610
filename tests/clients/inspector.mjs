// MCP Inspector, the command-line form: a process per request, in both protocol eras.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { check, facts, options } from "./facts.mjs";

const INSPECTOR = fileURLToPath(new URL("node_modules/.bin/mcp-inspector", import.meta.url));
/** Exit codes: a result, and a result with `isError`. */
const RESULT = 0;
const TOOL_ERROR = 5;

function ask(era, access, codes, ...request) {
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [INSPECTOR, "--cli", "--format", "json", "--protocol-era", era, ...request, "--", facts.program, ...options(access)],
        { encoding: "utf8", maxBuffer: 1 << 26 },
    );
    assert.ok(codes.includes(status), `exit code ${status}: ${stderr}`);
    return { ...JSON.parse(stdout), status };
}

for (const [era, protocol] of [["legacy", "2025-11-25"], ["modern", "2026-07-28"]]) {
    const open = async (access) => ({
        version: ask(era, access, [RESULT], "--method", "initialize").result.protocolVersion,
        async list() {
            // --strict exits with an error for what some client refuses; what it only warns of is counted too.
            const { result, schemaFindings } = ask(era, access, [RESULT], "--method", "tools/list", "--strict");
            assert.equal(schemaFindings, undefined);
            return result.tools;
        },
        async call(name, given) {
            const { result, status } = ask(
                era, access, [RESULT, TOOL_ERROR],
                "--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(given),
            );
            assert.equal(status === TOOL_ERROR, result.isError === true);
            return result;
        },
        async close() {},
    });
    // It refuses by itself to call what is not listed.
    await check(`Inspector 2.12.0 (${era})`, protocol, open, false);
}
