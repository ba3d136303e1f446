"""Runs a program on a terminal of its own and does what a person does there.

Standard input: JSON {argv, env, cwd, columns, rows, steps: [{when, resize | type | signal}]}. A step is taken when its text
has come since the step before. Standard output: a line of JSON for each event, {out} in base64, {resize}, {code}.
"""
import base64
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

DEADLINE_SECONDS = 20


def tell(**event):
    print(json.dumps(event), flush=True)


def resize(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def take(step, terminal, child):
    if "resize" in step:
        columns, rows = step["resize"]
        tell(resize=[columns, rows])
        resize(terminal, columns, rows)
    elif "type" in step:
        os.write(terminal, step["type"].encode())
    else:
        os.kill(child, getattr(signal, step["signal"]))


def main():
    asked = json.load(sys.stdin)
    child, terminal = pty.fork()
    if child == 0:
        # The size is set before the program starts.
        resize(0, asked["columns"], asked["rows"])
        os.chdir(asked["cwd"])
        os.execvpe(asked["argv"][0], asked["argv"], asked["env"])
    end = time.monotonic() + DEADLINE_SECONDS
    steps = asked["steps"]
    seen = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            os.kill(child, signal.SIGKILL)
            tell(late=steps[0]["when"] if steps else "its end")
            break
        try:
            chunk = os.read(terminal, 65536)
        except OSError:
            break
        if not chunk:
            break
        tell(out=base64.b64encode(chunk).decode())
        seen += chunk
        while steps and steps[0]["when"].encode() in seen:
            step = steps.pop(0)
            seen = b""
            take(step, terminal, child)
    _, status = os.waitpid(child, 0)
    tell(code=os.waitstatus_to_exitcode(status))


main()
