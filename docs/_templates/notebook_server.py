"""Run a server beside this notebook: one at a time."""

import os
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path

server = None


def start(command, port):
    """Start a Python program as a server, and wait until its port answers."""
    global server
    stop()
    arguments = [part.replace("$PWD", os.getcwd()) for part in shlex.split(command)]
    with open("server.log", "w") as log:
        server = subprocess.Popen([sys.executable, *arguments[1:]], stdout=log, stderr=log)
    while server.poll() is None:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
            print(f"port {port} answers; the log is in server.log")
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(Path("server.log").read_text())


def stop():
    """Stop the server, if there is one."""
    global server
    if server is not None:
        server.terminate()
        server.wait()
        server = None
