# SPDX-License-Identifier: GPL-3.0-or-later
"""NBD servers: qemu-nbd, nbdkit, and one of our own that does as it is told, also what no server should."""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
from pathlib import Path

import support


def _wait_for_socket(process, path, greets):
    """Until the server listens: a connection is the only sure sign.  One that greets only does so when it has its image, too, and its locks."""
    for _ in range(support.DEADLINE * 50):
        with socket.socket(socket.AF_UNIX) as probe:
            with contextlib.suppress(OSError):
                probe.connect(str(path))
                probe.settimeout(support.DEADLINE)
                if not greets or probe.recv(1):
                    return
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f'{process.args} ended with {process.returncode}')
    raise AssertionError(f'{process.args} does not listen')


@contextlib.contextmanager
def _running(args, path, greets=False):
    process = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=support.environment(LD_PRELOAD=''))
    try:
        if path:
            _wait_for_socket(process, path, greets)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if path:
            Path(path).unlink(missing_ok=True)


def qemu_nbd(path, *args):
    """qemu-nbd on a Unix socket, for as long as the block runs and for any number of clients."""
    return _running(['qemu-nbd', '-t', '-e', '8', '-k', path, *args], path, greets=True)


def nbdkit(path, *args):
    return _running(['nbdkit', '-f', '-U', path, *args], path)


@contextlib.contextmanager
def nbdkit_unprobed(path, *args):
    """The first client is the test's: the socket is made before nbdkit, and handed to it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(8)
        args = ['bash', '-c', f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{listener.fileno()}', 'bash', 'nbdkit', '-f', *args]
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[listener.fileno()])
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        Path(path).unlink(missing_ok=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def running_tcp(args, port, **how):
    """A server that listens on this port of loopback, until the block ends; how: of its process."""
    process = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    try:
        for _ in range(support.DEADLINE * 50):
            with contextlib.suppress(OSError):
                socket.create_connection(('127.0.0.1', port), 1).close()
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f'{args} ended with {process.wait(timeout=0.02)}')
        yield process
    finally:
        process.kill()
        process.wait()


def qemu_nbd_tcp(port, *args):
    return running_tcp(['qemu-nbd', '-t', '-e', '8', '-b', '127.0.0.1', '-p', port, *args], port)


def nbdkit_tcp(port, *args):
    return running_tcp(['nbdkit', '-f', '-i', '127.0.0.1', '-p', port, *args], port)


# ---- the one of our own ----

NBDMAGIC, IHAVEOPT, REPLY_MAGIC = 0x4e42444d41474943, 0x49484156454f5054, 0x3e889045565a9
REQUEST_MAGIC, SIMPLE_MAGIC, STRUCTURED_MAGIC = 0x25609513, 0x67446698, 0x668e33ef
OPT_GO, OPT_STRUCTURED, OPT_SET_META = 7, 8, 10
ACK, INFO, META = 1, 3, 4
ERR_UNSUP = 0x80000001
READ, WRITE, DISC, FLUSH, TRIM, ZERO, STATUS = 0, 1, 2, 3, 4, 6, 7
DONE, NONE_CHUNK, DATA_CHUNK, HOLE_CHUNK, STATUS_CHUNK = 1, 0, 1, 2, 5


class Server(threading.Thread):
    """Serves zeroes (or what was written) on a Unix socket; tests override a step to break it.

    One thread a connection.  What a test waits for is an event, never a time.
    """
    size = 1 << 20
    flags = 1 | 4 | 8 | 32 | 64  # has flags, flush, FUA, trim, zeroes
    block_size = None            # minimum, preferred, maximum
    structured = True

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = str(path)
        self.data = bytearray(min(self.size, 16 << 20) if self.size >= 0 else 0)
        self.requests = []       # (type, offset, length), in the order they came
        self.stopping = False
        self.came = threading.Condition()
        self.connections = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(8)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            self.hang_up(connection)
        self.join(5)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def run(self):
        while not self.stopping:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def hang_up(connection):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()

    def serve(self, connection):
        with contextlib.suppress(OSError, EOFError):
            if self.handshake(connection):
                while self.request(connection):
                    pass
        self.hang_up(connection)

    @staticmethod
    def take(connection, n):
        data = memoryview(bytearray(n))
        have = 0
        while have < n:
            more = connection.recv_into(data[have:])
            if not more:
                raise EOFError
            have += more
        return bytes(data)

    # handshake

    def handshake(self, connection):
        connection.sendall(self.greeting())
        self.take(connection, 4)
        while True:
            _, option, length = struct.unpack('>QLL', self.take(connection, 16))
            data = self.take(connection, length)
            if self.option(connection, option, data):
                return True

    def greeting(self):
        return struct.pack('>QQH', NBDMAGIC, IHAVEOPT, 3)

    @staticmethod
    def answer(connection, option, kind, data=b''):
        connection.sendall(struct.pack('>QLLL', REPLY_MAGIC, option, kind, len(data)) + data)

    def option(self, connection, option, data):
        """True: the transmission begins."""
        if option == OPT_STRUCTURED and self.structured:
            self.answer(connection, option, ACK)
        elif option == OPT_SET_META and self.structured:
            self.answer(connection, option, META, struct.pack('>L', 1) + b'base:allocation')
            self.answer(connection, option, ACK)
        elif option == OPT_GO:
            self.go(connection)
            return True
        else:
            self.answer(connection, option, ERR_UNSUP)
        return False

    def go(self, connection):
        self.answer(connection, OPT_GO, INFO, struct.pack('>HQH', 0, self.size & (2**64 - 1), self.flags))
        if self.block_size:
            self.answer(connection, OPT_GO, INFO, struct.pack('>HLLL', 3, *self.block_size))
        self.answer(connection, OPT_GO, ACK)

    # transmission

    def request(self, connection):
        _, flags, kind, cookie, offset, length = struct.unpack('>LHHQQL', self.take(connection, 28))
        payload = self.take(connection, length) if kind == WRITE else b''
        with self.came:
            self.requests.append((kind, offset, length))
            self.came.notify_all()
        if kind == DISC:
            return False
        self.reply(connection, kind, flags, cookie, offset, length, payload)
        return True

    def reply(self, connection, kind, flags, cookie, offset, length, payload):
        if kind == READ:
            self.reply_data(connection, cookie, offset, bytes(self.data[offset:offset + length]))
        elif kind == STATUS:
            self.reply_status(connection, cookie, [(length, 0)])
        else:
            if kind == WRITE:
                self.data[offset:offset + length] = payload
            elif kind == ZERO:
                self.data[offset:offset + length] = bytes(length)
            self.simple(connection, cookie)

    @staticmethod
    def simple(connection, cookie, error=0, data=b''):
        connection.sendall(struct.pack('>LLQ', SIMPLE_MAGIC, error, cookie) + data)

    @staticmethod
    def chunk(connection, cookie, kind, data, flags=DONE):
        connection.sendall(struct.pack('>LHHQL', STRUCTURED_MAGIC, flags, kind, cookie, len(data)) + data)

    def reply_data(self, connection, cookie, offset, data):
        if self.structured:
            self.chunk(connection, cookie, DATA_CHUNK, struct.pack('>Q', offset) + data)
        else:
            self.simple(connection, cookie, data=data)

    def reply_status(self, connection, cookie, extents, context=1):
        self.chunk(connection, cookie, STATUS_CHUNK,
                   struct.pack('>L', context) + b''.join(struct.pack('>LL', *extent) for extent in extents))

    def wait_for(self, kind, count=1):
        """Until so many requests of a kind have come."""
        with self.came:
            assert self.came.wait_for(lambda: sum(request[0] == kind for request in self.requests) >= count, support.DEADLINE)
