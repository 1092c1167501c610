"""What a call needs on the other side: peers.py CERTIFICATE KEY

A name server at 127.0.0.1:53 to which opm.test is 127.0.0.1, and there an HTTPS server at 8061 with that certificate that
answers an empty list.
"""

import http.server
import socket
import ssl
import struct
import sys
import threading

ADDRESS = 1


def answer(question):
    """Its own question back, with an address if one was asked for."""
    end = question.index(b"\0", 12) + 5
    name, kind = question[12 : end - 4], struct.unpack(">H", question[end - 4 : end - 2])[0]
    known = name == b"\3opm\4test\0"
    records = b"\xc0\x0c" + struct.pack(">HHIH", ADDRESS, 1, 60, 4) + bytes([127, 0, 0, 1])
    records = records if known and kind == ADDRESS else b""
    flags = 0x8180 if known else 0x8183
    return question[:2] + struct.pack(">HHHHH", flags, 1, bool(records), 0, 0) + question[12:end] + records


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_):
        pass


names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
names.bind(("127.0.0.1", 53))
trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
trust.load_cert_chain(sys.argv[1], sys.argv[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8061), Handler)
server.socket = trust.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("ready", flush=True)
while True:
    asked, peer = names.recvfrom(512)
    names.sendto(answer(asked), peer)
