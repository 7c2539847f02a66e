# SPDX-License-Identifier: GPL-3.0-or-later
"""qemu-nbd 7.2 answers a question that it can't answer once for each context: the connection goes, and the session goes on."""
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import support

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

from servers import ACK, DONE, META, OPT_SET_META, READ, STATUS, Server  # noqa: E402
from terminal import Terminal  # noqa: E402
from test_formats import Session, ended, helpers  # noqa: E402

ERROR_CHUNK, EINVAL, BASE, DEPTH = 0x8001, 22, 1, 2
LOST, AGAIN = 'it failed to tell what is where, and said so twice', 'again; from now on it tells zeroes and data apart, and no layers'


def broken_qed(path):
    """There is no asking what is behind 12 MiB, as an entry of the upper table leads out of the file."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qed', '-o', 'cluster_size=4k,table_size=2', path, '16M'], check=True)
    subprocess.run(['qemu-io', '-f', 'qed', '-c', 'write -P 5 0 1M', '-c', 'write -P 6 12M 1M', path], check=True, capture_output=True)
    with open(path, 'r+b') as file:
        file.seek(40)
        table = struct.unpack('<Q', file.read(8))[0]
        file.seek(table + 3 * 8)
        file.write(struct.pack('<Q', 0x7fffffff0000))
    return path


@pytest.mark.parametrize('sandbox', [[], ['--no-sandbox']], ids=['sandbox', 'none'])
def test_an_image_with_broken_tables(work, sandbox):
    """Beside and after it everything goes on, in the same qemu-nbd with what was written and not flushed; and no flush fails."""
    image = broken_qed(work / 'disk.qed')
    lines = ['write -q -P 9 64k 64k', 'aio_read -P 5 128k 64k', 'map --json', 'aio_flush', 'read -P 9 64k 64k', 'map --json', 'map --json',
             'write -q -P 8 128k 64k', 'flush', 'info']
    result = support.blkscope('-w', *sandbox, *[word for line in lines for word in ('-c', line)], image)
    assert result.out.count('map failed: Invalid argument') == 3 and 'read failed' not in result.out, result
    assert 'read 65536/65536 bytes at offset 131072' in result.out and 'read 65536/65536 bytes at offset 65536' in result.out
    assert 'Pattern' not in result.out and 'reconnects: 1\n' in result.out, result
    assert result.err.count(LOST) == 1 and result.err.count(AGAIN) == 1 and len(result.err.splitlines()) == 2, result
    assert 'qemu-nbd, process ' in result.err and 'flush' not in result.err
    theirs = support.reference('-r', '-f', 'qed', '-c', 'read -P 9 64k 64k', '-c', 'read -P 8 128k 64k', image)
    assert theirs.status == 0 and 'Pattern' not in theirs.out, theirs


def test_panels_ask_several_things_at_once(work):
    """Between an error and its repetition others are answered."""
    with Terminal([broken_qed(work / 'disk.qed')], columns=160) as terminal:
        terminal.wait('and no layers')
        terminal.send(':read -P 5 0 4k', 'Enter')
        terminal.wait('read 4096/4096')
        assert 'too often' not in terminal.text() and 'LOST' not in terminal.text(), terminal.text()


@pytest.mark.parametrize('writable', [[], ['-w']], ids=['read-only', 'writable'])
def test_the_second_connection_ends_with_us_too(work, writable):
    image = broken_qed(work / 'disk.qed')
    with Session(work, *writable, image) as session:
        (pid, _), = helpers(image)
        session.ask('map --json; read 0 4k', AGAIN)
        session.process.kill()
        session.process.wait()
        assert ended(pid)


@pytest.mark.parametrize('options, advice', [([], 'leave, and start again with the image'), (['--no-sandbox'], 'close the image and open it again'),
                                             (['-w', '--no-sandbox'], 'close the image and open it again')])
def test_a_helper_that_is_gone_is_named(work, options, advice):
    """There is no other one; what to do is told, and does it."""
    image = broken_qed(work / 'disk.qed')
    with Session(work, *options, image) as session:
        (pid, _), = helpers(image)
        os.kill(pid, 9)
        assert ended(pid)
        session.ask('read 0 4k', 'read failed: Input/output error')
        session.ask('read 0 4k', f'qemu-nbd, process {pid}, which reads the image, ended by signal 9: {advice}')
        session.ask('length', 'MiB')
        if '--no-sandbox' in options:
            session.ask(f'close; open {image}; read -P 5 0 4k', 'read 4096/4096')


class AnswersTwice(Server):
    """Knows layers; on the first connection no read is answered."""

    def option(self, connection, option, data):
        if option != OPT_SET_META:
            return super().option(connection, option, data)
        for number, name in (BASE, b'base:allocation'), (DEPTH, b'qemu:allocation-depth'):
            if name in data:
                self.answer(connection, option, META, struct.pack('>L', number) + name)
        self.contexts = 1 + (b'qemu:allocation-depth' in data)
        self.answer(connection, option, ACK)
        return False

    def reply(self, connection, kind, flags, cookie, offset, length, payload):
        if kind == STATUS:
            for _ in range(self.contexts):
                self.chunk(connection, cookie, ERROR_CHUNK, struct.pack('>LH', EINVAL, 0), DONE)
        elif kind != READ or len(self.connections) > 1:
            super().reply(connection, kind, flags, cookie, offset, length, payload)


def test_any_other_server(work):
    """What was under way is sent again though nothing was said of reconnect-delay, and one context is asked for."""
    with AnswersTwice(work / 's') as server:
        result = support.blkscope('--image-opts', '-c', 'aio_read -P 0 4k 4k', '-c', 'map --json', '-c', 'aio_flush', '-c', 'map --json', '-c', 'map --json',
                                  '-c', 'read 0 512', f'driver=raw,file.driver=nbd,file.path={work / "s"}')
        assert 'read 4096/4096 bytes at offset 4096' in result.out and 'read 512/512' in result.out, result
        assert result.out.count('map failed: Invalid argument') == 3 and len(server.connections) == 2, result
        assert sum(request[:2] == (READ, 4096) for request in server.requests) == 2
        assert result.err.count(LOST) == 1 and result.err.count(AGAIN) == 1, result
