"""End with 0 where a page of this container answers 200: python healthcheck.py PORT PATH.

Sockets alone, because it runs every few seconds in each container: `urllib` would cost three times as much.
"""

import socket
import sys

LIMIT_S = 2.0


def main(port: str, path: str) -> str:
    """Return what is wrong; "" where nothing is."""
    try:
        with socket.create_connection(("127.0.0.1", int(port)), LIMIT_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            status = connection.recv(64).partition(b"\r\n")[0].decode(errors="replace")
    except OSError as error:
        return f"GET {path} on port {port}: {error}"
    return "" if " 200" in status else f"GET {path} answers {status}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
