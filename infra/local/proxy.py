"""Puts the stack's HTTP API on a loopback address of its own, as plain HTTP.

ministack tells its APIs apart by the Host header. This passes every request on with that header; method, path, query, headers and the body's
bytes stay as they are.

    python proxy.py --listen 8080 --aws 4566 --api-id a1b2c3d4e5
"""

import argparse
import http.client
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Meant for one connection, not for the one behind it (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
# API Gateway's own limit of a request body.
MAX_BODY_BYTES = 10 * 1024 * 1024
# API Gateway gives up after 30 s.
ANSWER_SECONDS = 30


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    aws_port = 0
    host = ""

    def forward(self) -> None:
        body = self.read_body()
        if body is None:
            return
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP]
        upstream = http.client.HTTPConnection("127.0.0.1", self.aws_port, timeout=ANSWER_SECONDS)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            upstream.putheader("Host", self.host)
            for name, value in headers:
                upstream.putheader(name, value)
            if body or self.command in ("POST", "PUT", "PATCH"):
                upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body or None)
            answer = upstream.getresponse()
            self.reply(answer.status, answer.getheaders(), answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.reply(502, [("Content-Type", "text/plain")], f"the local stack does not answer: {error}\n".encode())
        finally:
            upstream.close()

    def read_body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            self.reply(411, [], b"")
            self.close_connection = True
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.reply(413, [], b"")
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if status >= 200 and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def log_request(self, code="-", size="-") -> None:
        """Silent: the paths and queries of customers are not the proxy's to keep."""

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = forward


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", type=int, required=True, help="loopback port to answer on")
    parser.add_argument("--aws", type=int, required=True, help="ministack's port")
    parser.add_argument("--api-id", required=True, help="id of the HTTP API")
    arguments = parser.parse_args()
    Handler.aws_port = arguments.aws
    Handler.host = f"{arguments.api_id}.execute-api.localhost:{arguments.aws}"
    Server(("127.0.0.1", arguments.listen), Handler).serve_forever()


if __name__ == "__main__":
    main()
