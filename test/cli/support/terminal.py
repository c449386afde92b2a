"""Runs a command on a pseudo-terminal and types answers: terminal.py '["answer", …]' COMMAND… Prints what it showed."""

import json
import os
import pty
import select
import sys
import time

answers, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
shown, typed = b"", 0
while select.select([terminal], [], [], 20)[0]:
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    if typed < len(answers) and shown.rstrip().endswith(b":"):
        time.sleep(0.2)
        os.write(terminal, answers[typed].encode())
        typed += 1
        shown += b"<typed>"
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
