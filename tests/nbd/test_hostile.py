# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that ends or talks nonsense after any byte, and one whose names and messages are meant for the terminal."""
import random
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import support

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

from servers import ACK, META, OPT_GO, OPT_SET_META, READ, STATUS, WRITE, Server  # noqa: E402
from terminal import Terminal  # noqa: E402

TITLE = '\x1b]0;owned\x07\x1b[31m\u4e16\u202e'
NASTY = f'{TITLE}\r\nblkscope: all is well'
ERR_UNKNOWN = 0x80000006


class Limited:
    """What is sent through a socket up to some byte; then the connection ends, or there is noise in place of the rest and it ends."""
    def __init__(self, connection, left, noise):
        self.connection, self.left, self.noise = connection, left, noise

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def sendall(self, data):
        good, rest = data[:self.left], data[self.left:]
        self.left -= len(good)
        self.connection.sendall(good)
        if rest and self.noise:
            self.connection.sendall(self.noise.randbytes(len(rest) + 64))
        if rest:
            raise EOFError


class Breaks(Server):
    """The nth connection after n * step bytes."""
    step = 1
    noise = None

    def serve(self, connection):
        super().serve(Limited(connection, (len(self.connections) - 1) * self.step, self.noise))


@pytest.mark.parametrize('step, noise', [(1, None), (7, random.Random(3))], ids=['end', 'noise'])
def test_after_any_byte(work, step, noise):
    """Each byte of a greeting, of options, of the replies to a read, a write and a question for block status: errors, and the session goes on."""
    class Broken(Breaks):
        pass

    Broken.step, Broken.noise = step, noise
    opening = f'open -o driver=raw,file.driver=nbd,file.path={work / "s"},file.request-timeout=1'
    with Broken(work / 's') as server:
        lines = [opening, 'read -q 0 512', 'write -q 0 512', 'map --json', 'close'] * (320 // step) + ['help close', '']
        process = subprocess.run([support.BLKSCOPE, '-w', '--no-sandbox'], input='\n'.join(lines), capture_output=True, text=True, check=False,
                                 timeout=support.DEADLINE, env=support.environment())
    assert 'closes the image' in process.stdout and process.returncode == 1, process
    assert {READ, WRITE, STATUS} <= {request[0] for request in server.requests}, 'some got so far'


class Nasty(Server):
    def option(self, connection, option, data):
        if option == OPT_GO and b'none' in data:
            self.answer(connection, option, ERR_UNKNOWN, NASTY.encode() + b'\xff')
            return False
        if option == OPT_SET_META:
            self.answer(connection, option, META, struct.pack('>L', 1) + f'qemu:dirty-bitmap:{TITLE}'.encode())
            self.answer(connection, option, ACK)
            return False
        return super().option(connection, option, data)


def assert_tame(text):
    assert not any(c in text for c in '\x1b\x07\r\u202e') and '\nblkscope: all is well' not in text, text


def test_messages_of_the_server(work):
    with Nasty(work / 's'):
        for run in (support.blkscope, support.drop_in):
            result = run('-f', 'raw', '-c', 'length', f'nbd+unix:///none?socket={work / "s"}')
            assert_tame(result.err)
            assert 'server reported: \ufffd]0;owned' in result.err and result.status == 1, result


def test_names_of_bitmaps(work):
    with Nasty(work / 's'):
        for name, status in ((TITLE, 0), (TITLE + 'x', 1)):
            options = f'driver=nbd,path={work / "s"},x-dirty-bitmap=qemu:dirty-bitmap:{name}'
            result = support.blkscope('--image-opts', '-c', 'map --json', '-c', 'info', options)
            assert_tame(result.out + result.err)
            assert result.status == status and ('not found' in result.err) == bool(status), result


def test_names_on_the_screen(work):
    """An export's name is what the title shows of it."""
    name = f'nbd+unix:///a%1b%5b31m%07%E4%B8%96%0d%0ax?socket={work / "s"}'
    with Nasty(work / 's'), Terminal(['-f', 'raw', name]) as terminal:
        terminal.wait('1 MiB')
        assert 'a%1b%5b31m' in terminal.text().splitlines()[0]
        terminal.send(':', 'info', 'Enter')
        terminal.wait('reconnects')
        terminal.send('close', 'Enter')
        terminal.wait('no image open')
        terminal.send(f'open nbd+unix:///none?socket={work / "s"}', 'Enter')
        terminal.wait(']0;owned')
