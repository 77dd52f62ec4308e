"""Run a command until it ends, or until standard input does: also when the build is killed."""

import signal
import subprocess
import sys
import threading

STOP_SECONDS = 20


def supervise(words: list[str]) -> int:
    """Run a server until it ends, or until standard input does; return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the build ends the server
    server = subprocess.Popen(words, stdin=subprocess.DEVNULL, close_fds=False)

    def stop_with_input() -> None:
        sys.stdin.buffer.read()
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()

    threading.Thread(target=stop_with_input, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    sys.exit(supervise(sys.argv[1:]))
