# SPDX-License-Identifier: ISC
"""Answers a POST with the SHA-256 of its body; on loopback, behind the tests' nginx."""

import hashlib
import http.server


class Sink(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        digest = hashlib.sha256()
        left = int(self.headers["Content-Length"])
        while left > 0:
            part = self.rfile.read(min(left, 65536))
            if not part:
                return
            digest.update(part)
            left -= len(part)
        answer = digest.hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Sink).serve_forever()
