"""nginx and Traefik with the configurations of deploy/, before three stub copies of the server.

proxies.py DEPLOY FOLDER TRAEFIK: prints a line for each fact, and ends with the first that does not hold.
"""

import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

DEPLOY, FOLDER, TRAEFIK = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
LONGEST_WAIT = 20


class Copy:
    """A stub of a copy: it says what it was sent, or fails as it is told to.

    One that keeps no connections can go away without leaving any open.
    """

    def __init__(self, keeps):
        self.seen = []
        self.drops = False
        copy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.reply(b"ok\n")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                copy.seen.append((dict(self.headers.items()), body))
                if copy.drops:
                    # It was read, may have been carried out, and is not answered.
                    self.close_connection = True
                elif body == b'"events"':
                    self.events()
                else:
                    self.reply(json.dumps({"copy": copy.port, "path": self.path}).encode())

            def reply(self, body):
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                if not keeps:
                    self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def events(self):
                """The second event is sent when the client has got the first."""
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in (b"data: 1\n\n", b"data: 2\n\n"):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
                    self.wfile.flush()
                    copy.got.wait(LONGEST_WAIT)
                self.wfile.write(b"0\r\n\r\n")

        self.got = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def check(proxy, fact, holds, found=None):
    if not holds:
        sys.exit(f"FAILED {proxy}: {fact}: {found}")
    print(f"ok {proxy}: {fact}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def replaced(text, pairs):
    for old, new in pairs:
        if old not in text:
            sys.exit(f"FAILED a configuration no longer has {old!r}")
        text = text.replace(old, new)
    return text


def certificate():
    """A self-signed one, for the name of the examples."""
    pem, key = FOLDER / "mcp.example.pem", FOLDER / "mcp.example.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=mcp.example", "-addext", "subjectAltName=DNS:mcp.example", "-keyout", key, "-out", pem],
        check=True, capture_output=True)
    return pem, key


class Proxy:
    """A proxy at work, and requests to it."""

    def __init__(self, command, port, pem):
        self.port = port
        self.trust = ssl.create_default_context(cafile=str(pem))
        self.log = open(FOLDER / f"{pathlib.Path(command[0]).name}.log", "w+b")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def __enter__(self):
        # Traefik takes its routes and looks at the copies after it listens.
        until = time.monotonic() + LONGEST_WAIT
        while True:
            try:
                if self.ask("GET", "/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                self.log.seek(0)
                sys.exit(f"FAILED the proxy does not serve: {self.log.read().decode()}")
            time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(LONGEST_WAIT)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), LONGEST_WAIT)
        connection = http.client.HTTPConnection("mcp.example")
        connection.sock = self.trust.wrap_socket(plain, server_hostname="mcp.example")
        return connection

    def ask(self, method, path, body=None, headers=None):
        connection = self.connect()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        with connection.sock or answer:
            return answer.status, answer.read()


def facts(name, proxy, copies):
    status, body = proxy.ask("POST", "/mcp", b"{}", {
        "content-type": "application/json", "authorization": "Bearer made-up-token-of-a-test",
        "x-opmanager-host": "opm.example", "x-opmanager-api-key": "demo-key-not-a-secret"})
    reached = next(copy for copy in copies if copy.port == json.loads(body)["copy"])
    sent = {key.lower(): value for key, value in reached.seen[-1][0].items()}
    check(name, "a request over TLS reaches a copy as it is, with Host and all headers",
          status == 200 and sent["host"] == "mcp.example" and sent["x-opmanager-api-key"] == "demo-key-not-a-secret"
          and sent["x-opmanager-host"] == "opm.example" and sent["authorization"] == "Bearer made-up-token-of-a-test"
          and reached.seen[-1][1] == b"{}", sent)

    for path in ("/metrics", "/", "/mcp/other"):
        status, _ = proxy.ask("GET", path)
        check(name, f"{path} is not reachable", status == 404, status)

    used = {json.loads(proxy.ask("POST", "/mcp", b"{}")[1])["copy"] for _ in range(12)}
    check(name, "every copy gets requests", used == {copy.port for copy in copies}, used)

    for copy in copies:
        copy.got.clear()
    connection = proxy.connect()
    connection.request("POST", "/mcp", b'"events"')
    answer = connection.getresponse()
    first = answer.read(9)
    for copy in copies:
        copy.got.set()
    check(name, "an event comes before the next is sent", first == b"data: 1\n\n" and answer.read() == b"data: 2\n\n")

    for copy in copies:
        copy.drops = True
        copy.seen.clear()
    status, _ = proxy.ask("POST", "/mcp", b'"once"')
    seen = sum(len(copy.seen) for copy in copies)
    check(name, "a call that a copy got and did not answer is sent to no other", (status, seen) == (502, 1), (status, seen))
    for copy in copies:
        copy.drops = False

    # Until the one that goes is in use again.
    copies[0].seen.clear()
    until = time.monotonic() + LONGEST_WAIT
    while not copies[0].seen:
        proxy.ask("POST", "/mcp", b"{}")
        if time.monotonic() > until:
            sys.exit(f"FAILED {name}: a copy that dropped a request gets no other")
        time.sleep(0.05)
    # Its address refuses connections from now on.
    copies[0].server.shutdown()
    copies[0].server.server_close()
    answers = [proxy.ask("POST", "/mcp", b"{}") for _ in range(12)]
    used = {json.loads(body)["copy"] for status, body in answers if status == 200}
    check(name, "with one copy gone, no call is lost",
          [status for status, _ in answers] == [200] * 12 and used == {copy.port for copy in copies[1:]}, answers)


def nginx(pem, key):
    program = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    copies, folder = [Copy(keeps=at > 0) for at in range(3)], FOLDER / "nginx"
    folder.mkdir(exist_ok=True)
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole = folder / "nginx.conf"
    as_root = "user root;" if os.geteuid() == 0 else ""
    whole.write_text(
        f"{as_root} daemon off; pid {folder}/pid; error_log stderr; worker_processes 2; events {{ }}\n"
        f"http {{ {temporary} include {folder}/site.conf; }}\n")

    def started(rate):
        port = free_port()
        (folder / "site.conf").write_text(replaced((DEPLOY / "nginx/opmanager-mcp-server.conf").read_text(), [
            ("/etc/nginx/tls/mcp.example.pem", str(pem)), ("/etc/nginx/tls/mcp.example.key", str(key)),
            ("/var/log/nginx/", f"{folder}/"), ("    listen [::]:443 ssl;\n", ""),
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"), ("rate=10r/s;", f"rate={rate};"),
            *((f"127.0.0.1:{3001 + at} ", f"127.0.0.1:{copy.port} ") for at, copy in enumerate(copies))]))
        return Proxy([program, "-c", whole], port, pem)

    # Rates beside which the speed of this machine does not matter.
    with started("1000r/s") as proxy:
        tested = subprocess.run([program, "-t", "-c", whole], capture_output=True, text=True)
        check("nginx", "nginx -t", tested.returncode == 0 and "warn" not in tested.stderr, tested.stderr)
        facts("nginx", proxy, copies)
        status, _ = proxy.ask("POST", "/mcp", b" " * (64 * 1024 + 1))
        check("nginx", "a message above 64 KiB is refused", status == 413, status)
    with started("1r/m") as proxy:
        statuses = {proxy.ask("POST", "/mcp", b"{}")[0] for _ in range(60)}
        check("nginx", "too many requests of one address are refused", statuses == {200, 429}, statuses)


def traefik(pem, key):
    copies, port, folder = [Copy(keeps=at > 0) for at in range(3)], free_port(), FOLDER / "traefik"
    folder.mkdir(exist_ok=True)
    (folder / "routes.yaml").write_text(replaced((DEPLOY / "traefik/routes.yaml").read_text(), [
        ("/etc/traefik/tls/mcp.example.pem", str(pem)), ("/etc/traefik/tls/mcp.example.key", str(key)),
        ("average: 10\n", "average: 1000\n"),
        *((f"127.0.0.1:{3001 + at}\n", f"127.0.0.1:{copy.port}\n") for at, copy in enumerate(copies))]))
    (folder / "traefik.yaml").write_text(replaced((DEPLOY / "traefik/traefik.yaml").read_text(), [
        ("address: :443", f"address: 127.0.0.1:{port}"),
        ("/etc/traefik/routes.yaml", str(folder / "routes.yaml"))]))
    with Proxy([TRAEFIK, f"--configFile={folder / 'traefik.yaml'}"], port, pem) as proxy:
        facts("traefik", proxy, copies)
        proxy.log.flush()
        log = pathlib.Path(proxy.log.name).read_text()
        check("traefik", "it takes every line of its configuration", "level\":\"error" not in log and " ERR " not in log, log)
        check("traefik", "its log has neither keys nor tokens",
              "demo-key" not in log and "made-up-token" not in log and "RequestMethod" in log, log)


made = certificate()
nginx(*made)
traefik(*made)
