# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that is fed line by line, so that the world can be looked at between two commands."""
import contextlib
import re
import subprocess
from pathlib import Path

import support

LAST = '-- puts everything written'  # of `help flush`


class Session:
    def __init__(self, *args, cwd, program=support.BLKSCOPE, env=None):
        argv, executable = support.command_line(program, 'blkscope', [str(arg) for arg in args])
        self.process = subprocess.Popen(argv, executable=executable, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        bufsize=0, env=env or support.environment())

    def run(self, line):
        """What a line says, on both streams."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f'{line}\nhelp flush\n'.encode())
        said = b''
        while LAST.encode() not in said and (more := self.process.stdout.read(65536)):
            said += more
        return said.decode('utf-8', 'surrogateescape')

    def status(self):
        """Of the kernel: {'Seccomp': '2', ...}."""
        return dict(re.findall(r'^(\w+):\s*(.*)$', Path(f'/proc/{self.process.pid}/status').read_text(), re.M))

    def children(self):
        return Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children').read_text().split()

    def end(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        return self.process.wait(support.DEADLINE), rest.decode('utf-8', 'surrogateescape')


@contextlib.contextmanager
def session(*args, **options):
    running = Session(*args, **options)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        for stream in (running.process.stdin, running.process.stdout):
            stream.close()
