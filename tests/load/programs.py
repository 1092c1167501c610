"""The programs of a run: the simulator, copies of the server within limits, and what they tell of themselves.

Only loopback, only free ports. Every process is ended with the run, whatever ends it.
"""

import http.client
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

LONGEST_WAIT = 20
KEY = "demo-key-not-a-secret"
done = 0


def check(fact, holds, found=None):
    """Prints a fact, or ends the run with what was found instead."""
    global done
    if not holds:
        print(f"FAILED {fact}: {found}")
        print(f"{done} passed, 1 failed")
        sys.exit(1)
    done += 1
    print(f"ok {fact}")


def waited(what, until_true):
    begun = time.monotonic()
    while not until_true():
        if time.monotonic() - begun > LONGEST_WAIT:
            sys.exit(f"FAILED {what} did not come")
        time.sleep(0.01)


class Limits:
    """A bound on memory and processor time, by whatever kind of cgroup the machine has."""

    def __init__(self, name, memory=None, cores=None):
        self.places = []
        name = f"opmanager-load-{os.getpid()}-{name}"
        own = dict(line.split(":", 2)[1:] for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines())
        root = pathlib.Path("/sys/fs/cgroup")
        try:
            if "memory" in own:
                self.by = "cgroups v1"
                if memory:
                    place = self.make(root / "memory" / own["memory"].strip("/") / name)
                    (place / "memory.limit_in_bytes").write_text(str(memory))
                    # Without swap where the kernel counts it.
                    swap = place / "memory.memsw.limit_in_bytes"
                    if swap.exists():
                        swap.write_text(str(memory))
                if cores:
                    place = self.make(root / "cpu" / own["cpu" if "cpu" in own else "cpu,cpuacct"].strip("/") / name)
                    (place / "cpu.cfs_quota_us").write_text(str(int(cores * 100_000)))
            else:
                self.by = "cgroup v2"
                (root / "cgroup.subtree_control").write_text("+cpu +memory")
                place = self.make(root / name)
                if memory:
                    (place / "memory.max").write_text(str(memory))
                    (place / "memory.swap.max").write_text("0")
                if cores:
                    (place / "cpu.max").write_text(f"{int(cores * 100_000)} 100000")
        except OSError as problem:
            self.remove()
            sys.exit(f"FAILED no cgroup can be made, so that nothing would be limited: {problem}")

    def make(self, place):
        place.mkdir()
        self.places.append(place)
        return place

    def enter(self):
        """Run by a process that begins."""
        for place in self.places:
            (place / "cgroup.procs").write_text(str(os.getpid()))

    def read(self, *names):
        """The number in the first of these files that there is."""
        for place in self.places:
            for name in names:
                if (place / name).exists():
                    return int((place / name).read_text())

    def out_of_memory(self):
        """How often something was killed for lack of memory."""
        for place in self.places:
            for name in ("memory.oom_control", "memory.events"):
                if (place / name).exists():
                    return int(re.search(r"oom_kill (\d+)", (place / name).read_text())[1])

    def throttled(self):
        """In how many of how many periods it had to wait for the processor."""
        for place in self.places:
            if (place / "cpu.stat").exists():
                told = dict(line.split() for line in (place / "cpu.stat").read_text().splitlines())
                return int(told["nr_throttled"]), int(told["nr_periods"])

    def remove(self):
        for place in reversed(self.places):
            waited("the end of a cgroup", lambda: not (place / "cgroup.procs").read_text())
            place.rmdir()


class Program:
    """A process of this run."""

    running = []

    def __init__(self, command, limits=None, **more):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=limits and limits.enter, **more)
        Program.running.append(self)

    def end(self, signal=None):
        """Ends it, and gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal) if signal else self.process.kill()
        code = self.process.wait(LONGEST_WAIT)
        self.process.stdout.close()
        if self in Program.running:
            Program.running.remove(self)
        return code


class Simulator(Program):
    """A simulator; counts what it is asked for."""

    def __init__(self, program, *flags):
        super().__init__([program, "simulate", "--port", "0", "--print-requests", *flags])
        self.host = re.search(r"http://(\S+)", self.process.stdout.readline())[1]
        self.asked = {}
        self.requests = 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("GET "):
                self.requests += 1
                number = number_of(line)
                self.asked[number] = self.asked.get(number, 0) + 1


class Copy(Program):
    """One copy of the server."""

    def __init__(self, program, *flags, port=0, limits=None):
        # The simulator keeps no rate limits, and this measures the server without them.
        command = [program, "http", "--listen", f"127.0.0.1:{port}", "--share-of-rate", "off"]
        super().__init__([*command, *flags], limits)
        line = self.process.stdout.readline()
        self.port = int(re.search(r":(\d+)/mcp", line)[1])

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_WAIT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def status(self, row):
        """Kilobytes that the kernel counts."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{row}:\s+(\d+) kB", text)[1])

    def processor_seconds(self):
        """What it has run so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mark(number):
    """A time so long ago that it leaves no alarm out, and another one for each call."""
    minutes, seconds = divmod(number, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"19{70 + days // 28:02}-01-{1 + days % 28:02} {hours:02}:{minutes:02}:{seconds:02}"


def number_of(target):
    """The number of the call that a request belongs to, if it has one."""
    found = re.search(r"fromTime=19(\d\d)-01-(\d\d)(?:\+|%20)(\d\d)%3A(\d\d)%3A(\d\d)", target)
    if not found:
        return None
    years, days, hours, minutes, seconds = map(int, found.groups())
    return ((((years - 70) * 28 + days - 1) * 24 + hours) * 60 + minutes) * 60 + seconds
