"""One copy within limits, for a long time."""

import asyncio
import random
import statistics
import threading
import time

from caller import Callers
from programs import Copy, Limits, Simulator, check

IN_FLIGHT = 64
LATENCY = 0.2
ONE_OF = 20
MEMORY, CORES = 256 << 20, 0.5
# Of the whole time: until all connections and buffers are there.
WARM_UP = 0.2
# By which memory may seem to grow: pages that the allocator has and does not use come and go.
SLACK = 4096


class Watch(threading.Thread):
    """Asks for the health and looks at the memory, four times in a second."""

    def __init__(self, copy):
        super().__init__(daemon=True)
        self.copy, self.health, self.memory, self.ended = copy, [], [], threading.Event()

    def run(self):
        while not self.ended.wait(0.25):
            begun = time.monotonic()
            try:
                status, _ = self.copy.get("/health")
            except OSError:
                status = None
            self.health.append((time.monotonic() - begun, status))
            self.memory.append(self.copy.status("VmRSS"))


def steady(program, seconds):
    print(f"# {IN_FLIGHT} calls in flight for {seconds} s, {int(LATENCY * 1000)} ms each, "
          f"one of {ONE_OF} failed by the simulator and one of {ONE_OF} given up by its caller")
    simulator = Simulator(program, "--latency", str(int(LATENCY * 1000)), "--fail-every", str(ONE_OF))
    limits = Limits("steady", MEMORY, CORES)
    copy = Copy(program, "--log-level", "off", limits=limits)
    watch = Watch(copy)
    watch.start()
    chance = random.Random(7)
    callers = Callers(copy.port, simulator.host, IN_FLIGHT)
    began = time.monotonic()
    # Each time somewhere else: before the request is sent on, while it waits, while the answer comes.
    hang_up = lambda number: chance.uniform(0.001, LATENCY) if number % ONE_OF == 3 else None
    asyncio.run(callers.run(seconds, hang_up))
    took = time.monotonic() - began
    watch.ended.set()
    watch.join()
    _, metrics = copy.get("/metrics")
    processor = copy.processor_seconds()
    throttled, periods = limits.throttled()
    peak, killed = limits.read("memory.max_usage_in_bytes", "memory.peak"), limits.out_of_memory()
    code = copy.end(15)
    simulator.end()
    simulator.reader.join()
    limits.remove()

    count = lambda what: sum(call.outcome.startswith(what) for call in callers.calls)
    good, failed, hung_up = count("good"), count("failed: "), count("hung up")
    calls = len(callers.calls)
    faults = simulator.requests // ONE_OF
    print(f"# {calls} calls in {took:.0f} s: {good} good, {failed} failed, {hung_up} given up; "
          f"{simulator.requests} requests at the simulator, which failed {faults} of them")
    check(f"the limits were {MEMORY >> 20} MB and {CORES} cores, enforced by {limits.by}", killed == 0, f"{killed} killed")
    ours = [call.outcome for call in callers.calls if not call.outcome.startswith(("good", "failed: ", "hung up"))]
    check("every call that was not given up has its answer", not ours, ours[:3])
    check("calls fail where the simulator failed, and nowhere else",
          faults - hung_up <= failed <= faults, (failed, faults))
    words = sorted({call.outcome.removeprefix("failed: ").split("\n")[0].replace(simulator.host, "…")
                    for call in callers.calls if call.outcome.startswith("failed: ")})
    for word in words:
        print(f"#   {word}")
    # A busy machine makes all of it slower, but hardly by half.
    most = took / LATENCY * IN_FLIGHT
    check(f"{calls / took:.0f} calls a second of {most / took:.0f} that the simulator allows", calls > most / 2, calls)
    # A read whose connection ended before the first byte of its answer is asked once more.
    again = [times for times in simulator.asked.values() if times > 1]
    check("no read was asked again but once, where the simulator broke off", set(again) <= {2} and len(again) <= faults, again)
    check("no call is left", "opmanager_mcp_calls_running 0" in metrics, metrics)
    slowest = max(time for time, _ in watch.health)
    check(f"/health came within 1 s ({len(watch.health)} times, the slowest {slowest * 1000:.0f} ms)",
          slowest < 1 and all(status == 200 for _, status in watch.health), slowest)
    settled = watch.memory[int(len(watch.memory) * WARM_UP):]
    third = len(settled) // 3
    before, after = (statistics.median(part) for part in (settled[:third], settled[-third:]))
    check(f"memory is flat: {before / 1024:.1f} MB in the first third, {after / 1024:.1f} MB in the last, "
          f"{max(watch.memory) / 1024:.1f} MB at most; {peak / (1 << 20):.1f} MB in its cgroup",
          after - before < SLACK, (before, after))
    print(f"# {processor / calls * 1000:.3f} ms of processor time for a call, {processor / took:.3f} cores; "
          f"throttled in {throttled} of {periods} periods")
    check("it ends in order", code == 0, code)
