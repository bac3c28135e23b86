# SPDX-License-Identifier: ISC
"""What an HTTP server must live through: says 0 when it still serves, and has not grown much.

    hostile.py ADDRESS PORT PID
"""

import http.client
import socket
import sys

CONNECTIONS = 150
MEMORY_MOST_KB = 32 * 1024
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def memory_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def serves(address, port):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    return answer.status == 200 and len(answer.read()) > 1000


def say(address, port, data):
    """What comes back, or nothing."""
    with socket.create_connection((address, port), timeout=10) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(4096)
        except OSError:
            return b""


def main():
    address, port, pid = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    before = memory_kb(pid)
    odd = [b"\0" * 5000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", REQUEST + b"X: " + b"a" * 200000 + b"\r\n\r\n",
           REQUEST + b"X: y\r\n" * 20000 + b"\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
           b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
           REQUEST + b"Content-Length: 99999999999999999999\r\n\r\nx", REQUEST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"]
    for request in odd:
        answer = say(address, port, request)
        assert b" 200 " not in answer.split(b"\r\n")[0] or request.startswith(REQUEST), (request[:40], answer[:80])
        assert b"root:" not in answer
        assert serves(address, port), request[:40]
    held = []
    for _ in range(CONNECTIONS):  # slow ones, that never end their request
        try:
            held.append(socket.create_connection((address, port), timeout=2))
            held[-1].sendall(REQUEST)
        except OSError:
            break
    grown = memory_kb(pid) - before
    for connection in held:
        connection.close()
    assert grown < MEMORY_MOST_KB, f"grew by {grown} kB"
    assert len(held) > 10
    for _ in range(20):
        try:
            if serves(address, port):
                return
        except OSError:
            continue
    raise AssertionError("it does not serve any more")


main()
