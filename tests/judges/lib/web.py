"""Small servers on the loopback: whatever hears requests, or stands before who answers them."""

import http.client
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# They are about one connection, and not about what goes over it.
HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
SECONDS_MAX = 30


@dataclass
class Request:
    method: str
    # The path and query as they came.
    target: str
    # Names in lower case.
    headers: dict
    body: bytes


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes


@contextmanager
def serving(answer):
    """Serves `answer(request)` on a free port; yields the origin. Without an answer it hangs up."""
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # In one packet: of two the second would wait for the first one's acknowledgement.
        wbufsize = -1

        def handle_any(self):
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            made = answer(Request(self.command, self.path, headers, self.rfile.read(length)))
            if made is None:
                self.close_connection = True
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            # Whoever asks may be ended while it asks. What goes wrong here is to be seen.
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def forward(origin, request, host=None):
    """What a server answers to a request that was made to another, by its own name or this one."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=SECONDS_MAX)
    headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
    if host:
        headers["host"] = host
    try:
        connection.request(request.method, request.target, request.body or None, headers)
        made = connection.getresponse()
        kept = {name.lower(): value for name, value in made.getheaders() if name.lower() not in HOP_BY_HOP}
        kept.pop("date", None)
        return Answer(made.status, kept, made.read())
    finally:
        connection.close()
