"""The rows CT of the adversarial plan, tried on the image.

check.py STAND_IN PROGRAM FOLDER -- PODMAN...: STAND_IN is a program with the command `simulate`, PROGRAM the one in the
image, FOLDER for what is made, and PODMAN the command that has the image. Runs in a network namespace of its own; what a
container calls is put into that container's.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import stat
import subprocess
import sys
import time
import zlib

STAND_IN, PROGRAM, FOLDER = sys.argv[1:4]
PODMAN = sys.argv[5:]
FOLDER = pathlib.Path(FOLDER)
IMAGE = "opmanager-mcp-server"
LONGEST_WAIT = 20
KEY = "demo-key-not-a-secret"
done = 0

# As the plan has them, and the rest of what SECURITY.md has.
POLICY = ["--read-only", "--memory=256m", "--cpus=0.5", "-p", "3000:3000"]
HARDER = ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "64"]
# Nothing of the policy: podman would mount writable places that Docker does not, wants systemd for the health check's
# clock, and raises limits further than this machine may allow.
SURROUNDINGS = ["--read-only-tmpfs=false", "--health-interval=disable"]
for name, limit in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
    hard = resource.getrlimit(limit)[1]
    SURROUNDINGS += ["--ulimit", f"{name}={min(hard, 4096) if hard > 0 else 4096}"]


def check(row, fact, holds, found=None):
    global done
    if not holds:
        print(f"FAILED {row}: {fact}: {found}")
        print(f"{done} passed, 1 failed")
        sys.exit(1)
    done += 1
    print(f"ok {row}: {fact}")


def podman(*arguments, **more):
    run = subprocess.run([*PODMAN, *arguments], capture_output=True, text=True, **more)
    if run.returncode != 0:
        sys.exit(f"FAILED podman {' '.join(arguments)}: {run.stdout}{run.stderr}")
    return run.stdout


def waited(what, until_true):
    """Waits until something is so; the time that it took."""
    begun = time.monotonic()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if until_true():
                return time.monotonic() - begun
        if time.monotonic() - begun > LONGEST_WAIT:
            sys.exit(f"FAILED {what} did not come")
        time.sleep(0.01)


def ask(method, path, message=None):
    connection = http.client.HTTPConnection("127.0.0.1", 3000, timeout=LONGEST_WAIT)
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream",
               "mcp-protocol-version": "2025-11-25"}
    connection.request(method, path, message and json.dumps(message), headers if message else {})
    answer = connection.getresponse()
    with contextlib.closing(connection):
        return answer.status, answer.read().decode()


def call(host, key, **more):
    """What the model reads of a call of list_alarms, and whether it failed."""
    arguments = {"host": host, "apiKey": key, "limit": 1, **more}
    _, text = ask("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                                   "params": {"name": "list_alarms", "arguments": arguments}})
    result = json.loads(text)["result"]
    return result["content"][0]["text"], result.get("isError", False)


@contextlib.contextmanager
def beside(container, *command):
    """A program in the network of a container; what it says first."""
    inside = ["nsenter", f"--net=/proc/{container['State']['Pid']}/ns/net"]
    process = subprocess.Popen([*inside, *command], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout
    finally:
        process.terminate()
        process.wait(LONGEST_WAIT)


@contextlib.contextmanager
def running(name, *options):
    podman("create", "--name", name, *SURROUNDINGS, *options)
    begun = time.monotonic()
    podman("start", name)
    waited("the server", lambda: ask("GET", "/readyz")[0] == 200)
    container = json.loads(podman("inspect", name))[0]
    container["took"] = time.monotonic() - begun
    try:
        yield container
    finally:
        podman("rm", "--force", "--time", "0", name)


def limits(pid):
    """What bounds a process: bytes of memory, cores, processes; and by which cgroups."""
    places = dict(line.split(":", 2)[1:] for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().split())

    def read(controller, file):
        return pathlib.Path(f"/sys/fs/cgroup/{controller}{places[controller]}/{file}").read_text().split()

    if "memory" in places:
        quota, period = read("cpu", "cpu.cfs_quota_us")[0], read("cpu", "cpu.cfs_period_us")[0]
        return (int(read("memory", "memory.limit_in_bytes")[0]), int(quota) / int(period),
                read("pids", "pids.max")[0], "cgroups v1")
    quota, period = read("", "cpu.max")
    return int(read("", "memory.max")[0]), int(quota) / int(period), read("", "pids.max")[0], "cgroup v2"


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def root_mount(pid):
    """Options of what a process has as its root."""
    for line in pathlib.Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        if line.split()[4] == "/":
            return line.split()[5].split(",")


def the_policys_command():
    with running("policy", *POLICY, IMAGE) as container:
        pid = container["State"]["Pid"]
        check("CT-01", f"it serves within 2 s of its start ({container['took']:.2f} s)", container["took"] < 2)
        memory, cores, _, by = limits(pid)
        check("CT-01", f"256 MiB and half a core, enforced by {by}", (memory, cores) == (256 << 20, 0.5), (memory, cores))
        check("CT-01", "its root is read-only, enforced by the mount", "ro" in root_mount(pid), root_mount(pid))
        podman("healthcheck", "run", "policy")
        check("CT-01", "its own health check, run inside, says that it is well", True)
        with beside(container, STAND_IN, "simulate", "--port", "0") as said:
            host = re.search(r"http://(\S+)", said.readline())[1]
            key = said.readline().split()[1]
            text, failed = call(host, key, use_ssl=False)
            check("CT-01", "it serves a call", not failed and "items" in text, text)
        lines = podman("logs", "policy")
        check("CT-01", "no key is in its log", key not in lines)
        # Podman itself writes the user's number into these.
        podmans = {"C /etc", "A /etc/group", "A /etc/passwd"}
        changed = set(podman("diff", "policy").splitlines()) - podmans
        begun = time.monotonic()
        podman("stop", "--time", "15", "policy")
        state = json.loads(podman("inspect", "policy"))[0]["State"]
        check("CT-01", "as process 1 it ends in order when it is told to", state["ExitCode"] == 0, state)
        check("CT-01", "and well before it would be killed", time.monotonic() - begun < 10)
        return changed


def names_and_authorities():
    """No row of the plan: what a static program in an empty image could lack."""
    pem, key = FOLDER / "opm.test.pem", FOLDER / "opm.test.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=opm.test", "-addext", "subjectAltName=DNS:opm.test", "-addext", "basicConstraints=CA:FALSE",
         "-keyout", key, "-out", pem],
        check=True, capture_output=True)
    peers = pathlib.Path(__file__).with_name("peers.py")
    bundle = f"{pem}:/etc/ssl/certs/ca-certificates.crt:ro"
    for mounted in ([], ["--volume", bundle]):
        with running("names", *POLICY, *HARDER, *mounted, "--dns", "127.0.0.1", IMAGE) as container:
            with beside(container, sys.executable, peers, pem, key) as said:
                said.readline()
                text, failed = call("opm.test", KEY)
                if mounted:
                    check("image", "it looks names up over DNS, and trusts the authorities of its bundle", not failed, text)
                else:
                    check("image", "its bundle is of public authorities: another's certificate is refused",
                          failed and "certificate" in text, text)


def over_pipes():
    command = [*PODMAN, "run", "--interactive", "--name", "pipes", *SURROUNDINGS, *POLICY[:3], *HARDER,
               "--user", "12345:12345", "--network", "none", IMAGE, "--access", "read"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def say(**message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()

    say(id=1, method="initialize", params={"protocolVersion": "2025-11-25", "capabilities": {},
                                           "clientInfo": {"name": "check", "version": "0"}})
    first = json.loads(process.stdout.readline())
    check("CT-02", "without network, as another user, it starts over pipes", "result" in first, first)
    say(method="notifications/initialized")
    say(id=2, method="tools/list")
    listed = json.loads(process.stdout.readline())
    check("CT-02", "and answers tools/list", len(listed["result"]["tools"]) > 10, listed)
    pid = json.loads(podman("inspect", "pipes"))[0]["State"]["Pid"]
    now = status(pid)
    check("CT-02", "user 12345, enforced by the runtime", now["Uid"].split() == ["12345"] * 4, now["Uid"])
    check("CT-02", "no capabilities, enforced by an empty bounding set",
          {int(now[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")} == {0}, now)
    check("CT-02", "no new privileges, enforced by the kernel's flag", now["NoNewPrivs"] == "1", now)
    check("CT-02", "system calls are filtered, enforced by seccomp", now["Seccomp"] == "2", now)
    check("CT-02", "64 processes at most, enforced by cgroups", limits(pid)[2] == "64", limits(pid))
    networks = pathlib.Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    check("CT-02", "only a loopback interface, enforced by a network namespace",
          [line.split(":")[0].strip() for line in networks] == ["lo"], networks)
    process.stdin.close()
    check("CT-02", "it ends with its input", process.wait(LONGEST_WAIT) == 0)
    podman("rm", "--force", "pipes")


def what_is_in_it(changed):
    image = json.loads(podman("image", "inspect", IMAGE))[0]
    config = image["Config"]
    check("CT-03", "its user is a number, and not root", config["User"] == "65532:65532", config["User"])
    check("CT-03", "entry point and health check need no shell",
          config["Entrypoint"] == ["/opmanager-mcp-server"]
          and image["HealthCheck" if "HealthCheck" in image else "Healthcheck"]["Test"]
          == ["CMD", "/opmanager-mcp-server", "health"], image)
    place = podman("image", "mount", IMAGE).strip()
    try:
        files, odd = [], []
        for folder, _, names in os.walk(place):
            for name in [folder, *(os.path.join(folder, name) for name in names)]:
                mode = os.lstat(name).st_mode
                if not stat.S_ISDIR(mode):
                    files.append(os.path.relpath(name, place))
                # Set-id bits, and anything that others than root may write.
                if mode & 0o6022 or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    odd.append((name, oct(mode)))
        check("CT-03", "in it are the program and the authorities: no shell, no package manager",
              sorted(files) == ["etc/ssl/certs/ca-certificates.crt", "opmanager-mcp-server"], files)
        check("CT-03", "nothing has a set-id bit, and nobody but root may write anything", not odd, odd)
    finally:
        podman("image", "unmount", IMAGE)
    check("CT-03", "nothing was written to its layer", not changed, changed)
    labels = image["Labels"]
    check("CT-03", "it says which server of the registry it is",
          labels["io.modelcontextprotocol.server.name"].endswith("/opmanager-mcp-server"), labels)


def the_program():
    def readelf(*flags):
        return subprocess.run(["readelf", "--wide", *flags, PROGRAM], check=True, capture_output=True, text=True).stdout

    segments, dynamic = readelf("--program-headers"), readelf("--dynamic")
    check("CT-05", "static: no interpreter, no libraries", "INTERP" not in segments and "(NEEDED)" not in dynamic, dynamic)
    check("CT-05", "position-independent", "DYN (" in readelf("--file-header") and "PIE" in dynamic, dynamic)
    check("CT-05", "relocations are read-only and bound at the start", "GNU_RELRO" in segments and "BIND_NOW" in dynamic, segments)
    # The flags stand after five numbers.
    flags = [(line.split()[0], "".join(line.split()[6:-1])) for line in segments.splitlines() if " 0x" in line]
    check("CT-05", "its stack is not executable, and no segment is both writable and executable",
          ("GNU_STACK", "RW") in flags and not any("W" in given and "E" in given for _, given in flags), flags)
    section = re.search(r"\.dep-v0 +\w+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+)", readelf("--sections"))
    check("CT-05", "it has a list of its dependencies", section)
    offset, length = (int(number, 16) for number in section.groups())
    packages = json.loads(zlib.decompress(pathlib.Path(PROGRAM).read_bytes()[offset:offset + length]))["packages"]
    names = {package["name"] for package in packages if package.get("kind") != "build"}
    check("CT-05", f"which names {len(names)}, and not the simulator",
          {"opmanager-mcp-server", "rustls", "rmcp"} <= names and "opmanager-simulator" not in names, names)


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
what_is_in_it(the_policys_command())
over_pipes()
the_program()
names_and_authorities()
print(f"{done} passed, 0 failed")
