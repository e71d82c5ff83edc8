"""Runs a command at a terminal, and answers y to each of its questions."""
import os
import pty
import sys

child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
while True:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:  # Linux says so that the command has ended.
        break
    if not chunk:
        break
    sys.stdout.buffer.write(chunk)
    sys.stdout.flush()
    said = said[-16:] + chunk
    if b"(y/n)" in said:
        os.write(terminal, b"y\n")
        said = b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
