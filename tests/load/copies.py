"""Several copies behind nginx, as deploy/nginx has it."""

import asyncio
import collections
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from caller import Callers
from programs import Copy, Limits, Program, Simulator, check, waited

NAME = "mcp.example"
FLAGS = ["--log-level", "off", "--allowed-hosts", NAME]
IN_FLIGHT = 64
# Of a core for each copy, so that what limits is a copy, and neither this machine nor the callers.
SHARE = 0.03


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx(Program):
    """nginx with the site of deploy/nginx, on loopback, without TLS and without its limit of requests."""

    def __init__(self, site, folder, ports):
        self.port, self.log = free_port(), folder / "calls.log"
        text = site.read_text()
        text = re.sub(r"(?m)^ *(listen \[|ssl_).*\n", "", text)
        for old, new in (("listen 443 ssl;", f"listen 127.0.0.1:{self.port};"), ("rate=10r/s", "rate=100000r/s"),
                         ("burst=40", "burst=100000"),
                         ("/var/log/nginx/opmanager-mcp-server.log combined", f"{self.log} calls")):
            if old not in text:
                sys.exit(f"FAILED {site} no longer has {old!r}")
            text = text.replace(old, new)
        servers = re.findall(r"(?m)^ *server 127\.0\.0\.1:\d+ .*\n", text)
        for at, line in enumerate(servers):
            text = text.replace(line, re.sub(r":\d+ ", f":{ports[at]} ", line) if at < len(ports) else "")
        (folder / "site.conf").write_text(text)
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        whole = folder / "nginx.conf"
        as_root = "user root;" if os.geteuid() == 0 else ""
        whole.write_text(
            f"{as_root} daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;\n"
            f"events {{ }}\nhttp {{ {temporary} keepalive_requests 1000000;\n"
            "log_format calls '$http_x_call|$upstream_addr|$upstream_status|$status';\n"
            f"include {folder}/site.conf; }}\n")
        program = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
        super().__init__([program, "-c", whole])
        waited("nginx", self.serves)

    def serves(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ways(self):
        """For each call the ports of the copies that nginx tried, and their statuses."""
        ways = {}
        for line in self.log.read_text().splitlines():
            number, tried, statuses, status = line.split("|")
            if number.isdigit():
                ways[int(number)] = ([int(place.rsplit(":", 1)[1]) for place in tried.split(", ") if ":" in place], status)
        return ways


def throughput(program, site, seconds):
    """How many calls some copies answer, each with a small share of a core."""
    rates = []
    for count in (1, 2, 3):
        simulator = Simulator(program)
        limits = [Limits(f"copy-{at}", cores=SHARE) for at in range(count)]
        copies = [Copy(program, *FLAGS, limits=limit) for limit in limits]
        with tempfile.TemporaryDirectory() as folder:
            nginx = Nginx(site, pathlib.Path(folder), [copy.port for copy in copies])
            callers = Callers(nginx.port, simulator.host, 16 * count, NAME)
            began = time.monotonic()
            asyncio.run(callers.run(seconds))
            took = time.monotonic() - began
            nginx.end(15)
        bad = [call.outcome for call in callers.calls if call.outcome != "good"]
        check(f"copies: {count}, with {SHARE} cores each: every call is answered", not bad, bad[:3])
        processor = sum(copy.processor_seconds() for copy in copies)
        rates.append(len(callers.calls) / took)
        print(f"# copies: {count}, with {SHARE} cores each, by {limits[0].by}: {rates[-1]:.0f} calls a second, "
              f"{processor / len(callers.calls) * 1000:.3f} ms of processor time for a call")
        for program_of_run in (*copies, simulator):
            program_of_run.end(15)
        for limit in limits:
            limit.remove()
    check(f"two copies answer {rates[1] / rates[0]:.2f} times as many calls as one", rates[1] > 1.6 * rates[0], rates)
    check(f"three copies answer {rates[2] / rates[0]:.2f} times as many calls as one", rates[2] > 2.2 * rates[0], rates)


def interrupted(program, site, seconds):
    """One of three is killed, another told to end; both come back."""
    pause = seconds / 6
    simulator = Simulator(program, "--latency", "200")
    copies = [Copy(program, *FLAGS) for _ in range(3)]
    ports = [copy.port for copy in copies]
    moments, codes = {}, []

    async def disturb():
        await asyncio.sleep(pause)
        moments["killed"] = time.monotonic()
        copies[0].process.kill()
        await asyncio.sleep(pause)
        copies[0].end()
        copies[0] = Copy(program, *FLAGS, port=ports[0])
        moments["back"] = time.monotonic()
        await asyncio.sleep(pause)
        copies[1].process.terminate()
        await asyncio.sleep(pause)
        codes.append(copies[1].end())
        copies[1] = Copy(program, *FLAGS, port=ports[1])

    async def all_of_it(callers):
        await asyncio.gather(callers.run(seconds), disturb())

    with tempfile.TemporaryDirectory() as folder:
        nginx = Nginx(site, pathlib.Path(folder), ports)
        callers = Callers(nginx.port, simulator.host, IN_FLIGHT, NAME)
        asyncio.run(all_of_it(callers))
        # What is in the log by then is all of it.
        nginx.end(3)
        ways = nginx.ways()
        errors = (pathlib.Path(folder) / "error.log").read_text()
    counted = [copy.get("/metrics")[1] for copy in copies]
    for program_of_run in (*copies, simulator):
        program_of_run.end(15)
    simulator.reader.join()

    lost = [call for call in callers.calls if call.outcome != "good"]
    by_copy = collections.Counter(ways[call.number][0][-1] for call in callers.calls if call.outcome == "good")
    print(f"# {len(callers.calls)} calls in {seconds} s, {IN_FLIGHT} in flight; {len(lost)} lost: "
          f"{dict(collections.Counter(str(call.status or call.outcome) for call in lost))}")
    again = sum(len(tried) > 1 for tried, _ in ways.values())
    print(f"# answered by {[by_copy[port] for port in ports]}; {again} calls were taken to another copy, as theirs was not there")
    killed = moments["killed"]
    elsewhere = [(call.number, call.outcome, call.status, ways.get(call.number), round(call.begun - killed, 3))
                 for call in lost if not (call.begun <= killed + 0.01 and ways[call.number][0] == [ports[0]])]
    check("only calls were lost that were in flight on the copy that was killed", not elsewhere,
          (elsewhere[:5], errors[-600:]))
    check("calls were lost with it: it was at work", 0 < len(lost) <= IN_FLIGHT, len(lost))
    check("the copy that was told to end answered what it had, and ended in order", codes == [0], codes)
    twice = [number for number, times in simulator.asked.items() if times > 1]
    check("no call was carried out twice", not twice, twice[:5])
    missing = [call.number for call in callers.calls if call.outcome == "good" and call.number not in simulator.asked]
    check("every answered call was carried out", not missing, missing[:5])
    idle = [port for port, text in zip(ports, counted) if "opmanager_mcp_calls_total" not in text]
    check("both came back and were used again", not idle, idle)


def copies(program, root, seconds):
    site = pathlib.Path(root) / "deploy/nginx/opmanager-mcp-server.conf"
    throughput(program, site, max(2, seconds / 3))
    interrupted(program, site, max(9, seconds))
