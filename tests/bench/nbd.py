# SPDX-License-Identifier: GPL-3.0-or-later
"""NBD exports over Unix sockets, of nbdkit and of qemu-nbd."""
import os
import shutil
import subprocess
import sys
import time

from harness import Run, fetch_cached
from support import KIB, MIB

TITLE = 'NBD'
NOTES = '''Exports of 256 MiB in the page cache over a Unix socket. Depth is how many `aio_read` there are between two `aio_flush`. At depth 1 with 4 KiB
both programs wait for the server's threads to be woken, four times a request: there the clock compares runs with each other more than programs.
Deeper, neighbouring reads share a message, and large ones go in pieces (doc/nbd.md). The processor time is that of the client.'''
SIZE = 256 * MIB
SERVERS = {
    'nbdkit': ['-f', '-r', '-U', 'SOCKET', 'file', 'data.img'],
    'qemu-nbd': ['-r', '-t', '-f', 'raw', '-e', '8', '-k', 'SOCKET', 'data.img'],
}
TARGETS = {1: 1, 16: 1.5, 64: 1}


def serve(bench, name):
    path = bench.folder / 'socket'
    path.unlink(missing_ok=True)
    argv = [shutil.which(name), *(str(path) if word == 'SOCKET' else word for word in SERVERS[name])]
    process = subprocess.Popen(argv, cwd=bench.folder, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f'{name} does not serve')
        time.sleep(0.01)
    return process


def lines(size, depth):
    count = min(16384, SIZE // size)
    if depth == 1:
        return [f'read -q {i * size} {size}' for i in range(count)]
    out = []
    for i in range(count):
        out.append(f'aio_read -q {i * size} {size}')
        if i % depth == depth - 1:
            out.append('aio_flush')
    return out


def run(bench):
    works = {(server, size, depth): f'{name} reads at depth {depth} from {server}'
             for server in SERVERS for name, size in (('4 KiB', 4 * KIB), ('1 MiB', MIB)) for depth in TARGETS}
    if not bench.wanted(*works.values()):
        return
    with open(bench.folder / 'data.img', 'wb') as file:
        for _ in range(SIZE // MIB):
            file.write(os.urandom(MIB))
    fetch_cached(bench.folder / 'data.img')
    for server in SERVERS:
        if not shutil.which(server):
            continue
        process = serve(bench, server)
        args = ['-r', '-f', 'raw', f'nbd+unix:///?socket={bench.folder}/socket']
        for (of, size, depth), work in works.items():
            if of != server:
                continue
            script = bench.script('script', lines(size, depth))
            bench.compare(work, TARGETS[depth], bench.ours(args, script=script), {'default': Run(args, script=script)})
        process.terminate()
        process.wait()
    os.unlink(bench.folder / 'data.img')
