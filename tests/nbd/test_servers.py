# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that lie, stall or die: an error, never a hang, a crash or a lost request."""
import os
import select
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import support

sys.path.insert(0, str(Path(__file__).parent))

from servers import (DATA_CHUNK, DONE, HOLE_CHUNK, META, OPT_GO, OPT_SET_META, INFO, ACK, READ, Server, STATUS, WRITE,  # noqa: E402
                     STATUS_CHUNK)


def one(server_class, work, *lines, options='', args=()):
    """Runs commands on an export of the server; a hang ends the test."""
    with server_class(work / 's') as server:
        words = [word for line in lines for word in ('-c', line)]
        result = support.drop_in(*args, '--image-opts', *words, f'driver=raw,file.driver=nbd,file.path={work / "s"}{options}')
        result.server = server
    assert result.status in (0, 1), result
    return result


def test_it_serves(work):
    """The server of the tests itself is a good one."""
    result = one(Server, work, 'write -P 7 1000 5000', 'read -P 7 1000 5000', 'map', 'flush', 'length')
    assert result.status == 0 and '1 MiB\n' in result.out, result


# ---- what is wrong with the handshake ----

class Greets(Server):
    text = b''

    def greeting(self):
        return self.text


class Sized(Server):
    def go(self, connection):
        self.answer(connection, OPT_GO, INFO, struct.pack('>HQH', 0, self.size, self.flags))
        self.answer(connection, OPT_GO, ACK)


class LongName(Server):
    def option(self, connection, option, data):
        if option == OPT_SET_META:
            connection.sendall(struct.pack('>QLLL', 0x3e889045565a9, option, 4, 0x7fffffff))
            return False
        return super().option(connection, option, data)


class NoSize(Server):
    def go(self, connection):
        self.answer(connection, OPT_GO, ACK)


@pytest.mark.parametrize('base, members', [
    (Greets, {'text': b''}), (Greets, {'text': b'HTTP/1.1 400 Bad Request\r\n\r\n'}), (Greets, {'text': b'\0' * 4096}),
    (Greets, {'text': struct.pack('>QQH', 0x4e42444d41474943, 0x49484156454f5054, 3)[:11]}),
    (Sized, {'size': 2**64 - 1}), (Sized, {'size': 2**63}), (LongName, {}), (NoSize, {}),
], ids=str)
def test_handshake(work, base, members):
    class Liar(base):
        def __init__(self, path):
            self.__dict__.update(members)
            super().__init__(path)

        @property
        def data(self):
            return bytes(1 << 20)

        @data.setter
        def data(self, _):
            pass

    result = one(Liar, work, 'length', options=',file.request-timeout=1')
    assert result.status == 1 and "can't open" in result.err + result.out, result


@pytest.mark.parametrize('sizes', [(3, 4096, 1 << 20), (1 << 30, 1 << 30, 1 << 31), (0, 0, 0), (4096, 4096, 512)], ids=str)
def test_impossible_block_sizes(work, sizes):
    """They are not believed."""
    class Blocks(Server):
        block_size = sizes

    result = one(Blocks, work, 'write -P 3 1000 5000', 'read -P 3 1000 5000')
    assert result.status == 0, result


# ---- wrong replies ----

class WrongCookie(Server):
    def reply_data(self, connection, cookie, offset, data):
        super().reply_data(connection, cookie ^ 0x5555, offset, data)


class Elsewhere(Server):
    def reply_data(self, connection, cookie, offset, data):
        super().reply_data(connection, cookie, offset + len(data), data)


class TooLong(Server):
    def reply_data(self, connection, cookie, offset, data):
        super().reply_data(connection, cookie, offset, data * 2)


class Nothing(Server):
    """Says done without having sent the data."""
    def reply_data(self, connection, cookie, offset, data):
        self.chunk(connection, cookie, 0, b'')


class Pieces(Server):
    """Sends these pieces of a read, given in quarters of it."""
    pieces = ()

    def reply_data(self, connection, cookie, offset, data):
        quarter = len(data) // 4
        for i, (first, end) in enumerate(self.pieces, 1):
            part = data[first * quarter:end * quarter]
            self.chunk(connection, cookie, DATA_CHUNK, struct.pack('>Q', offset + first * quarter) + part, DONE if i == len(self.pieces) else 0)


class HalfTwice(Pieces):
    """As many bytes as were asked for, but not all of them."""
    pieces = (0, 2), (0, 2)


class Overlapping(Pieces):
    pieces = (0, 3), (2, 3)


class HalfOnly(Pieces):
    pieces = ((2, 4),)


class HugeHole(Server):
    def reply_data(self, connection, cookie, offset, data):
        self.chunk(connection, cookie, HOLE_CHUNK, struct.pack('>QL', offset, 0xffffffff))


class WrongMagic(Server):
    def reply_data(self, connection, cookie, offset, data):
        connection.sendall(b'X' * 16)


class HalfReply(Server):
    def reply_data(self, connection, cookie, offset, data):
        connection.sendall(struct.pack('>LHHQL', 0x668e33ef, DONE, DATA_CHUNK, cookie, len(data) + 8) + data[:10])
        raise EOFError


class SimpleForStructured(Server):
    def reply_data(self, connection, cookie, offset, data):
        self.simple(connection, cookie, data=data)


@pytest.mark.parametrize('liar', [WrongCookie, Elsewhere, TooLong, Nothing, HalfTwice, Overlapping, HalfOnly, HugeHole, WrongMagic, HalfReply, SimpleForStructured])
def test_wrong_reply(work, liar):
    result = one(liar, work, 'read 0 4k', 'length')
    assert 'read failed' in result.out + result.err, result
    assert '1 MiB\n' in result.out, 'the program goes on'


def test_pieces_in_any_order(work):
    class Shuffled(Pieces):
        pieces = (2, 3), (0, 1), (3, 4), (1, 2)

    result = one(Shuffled, work, 'write -P 5 0 64k', 'write -P 7 1k 1k', 'read -P 7 1k 1k', 'read -P 5 2k 4k')
    assert result.status == 0 and 'failed' not in result.out, result


@pytest.mark.parametrize('extents', [[], [(0, 0)], [(0, 3), (4096, 0)], [(1 << 31, 0)] * 3, [(512, 3)] * 5000], ids=lambda e: str(e[:2]))
def test_wrong_status(work, extents):
    class Liar(Server):
        def reply_status(self, connection, cookie, _, context=1):
            super().reply_status(connection, cookie, extents, context)

    with Liar(work / 's'):
        result = support.blkscope('--image-opts', '-c', 'map --json', '-c', 'length', f'driver=raw,file.driver=nbd,file.path={work / "s"}')
    assert '1 MiB\n' in result.out, result


def test_status_of_another_context(work):
    class Liar(Server):
        def reply_status(self, connection, cookie, extents, context=1):
            super().reply_status(connection, cookie, extents, 77)

    with Liar(work / 's'):
        result = support.blkscope('--image-opts', '-c', 'map --json', '-c', 'length', f'driver=raw,file.driver=nbd,file.path={work / "s"}')
    assert '1 MiB\n' in result.out, result


def test_status_of_a_context_that_was_not_asked_for(work):
    """It is offered beside the other, and answered before it: nobody takes it for that."""
    class Offers(Server):
        def option(self, connection, option, data):
            if option != OPT_SET_META:
                return super().option(connection, option, data)
            for number, name in ((1, b'base:allocation'), (2, b'base:unheard-of')):
                self.answer(connection, option, META, struct.pack('>L', number) + name)
            self.answer(connection, option, ACK)
            return False

        def reply_status(self, connection, cookie, extents, context=1):
            self.chunk(connection, cookie, STATUS_CHUNK, struct.pack('>LLL', 2, 1 << 20, 3), flags=0)
            super().reply_status(connection, cookie, extents)

    with Offers(work / 's'):
        result = support.blkscope('--image-opts', '-c', 'map --json', f'driver=raw,file.driver=nbd,file.path={work / "s"}')
    assert '"length": 1048576, "depth": 0, "present": true, "zero": false, "data": true' in result.out, result


def test_one_at_a_time(work):
    """Nothing comes while a request is not answered, and large ones come whole."""
    class Watches(Server):
        early = 0

        def reply_data(self, connection, cookie, offset, data):
            self.early += bool(select.select([connection], [], [], 0)[0])
            super().reply_data(connection, cookie, offset, data)

    lines = ['read 0 1M', *[f'aio_read {i * 64}k 4k' for i in range(8)], 'aio_flush']
    result = one(Watches, work, *lines, options=',file.one-at-a-time=on')
    assert result.out.count('read 4096/4096') == 8 and result.server.early == 0, result
    assert (READ, 0, 1 << 20) in result.server.requests


# ---- stalls and deaths ----

class Silent(Server):
    """Takes reads and never answers them."""
    def reply_data(self, connection, cookie, offset, data):
        pass


def test_stalled_server_is_given_up(work):
    result = one(Silent, work, 'read 0 4k', 'length', options=',file.request-timeout=1')
    assert 'read failed: Input/output error' in result.out + result.err, result
    assert 'did not answer for 1 seconds' in result.err and '1 MiB\n' in result.out, result


def test_interrupt_on_a_stalled_server(work):
    """Ctrl-C ends the program's wait, whatever the server does."""
    with Silent(work / 's') as server:
        process = subprocess.Popen([support.BLKSCOPE, '-f', 'raw', '-c', 'read 0 4k', f'nbd:unix:{work / "s"}'], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=support.environment())
        server.wait_for(READ)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=support.DEADLINE)


class Dies(Server):
    """Hangs up at the first request of a kind, once."""
    kind = READ

    def reply(self, connection, kind, *rest):
        if kind == self.kind and not getattr(self, 'died', False):
            self.died = True
            raise EOFError
        super().reply(connection, kind, *rest)


def test_lost_without_delay(work):
    result = one(Dies, work, 'read 0 4k', 'read -P 0 0 4k')
    assert 'read failed: Input/output error' in result.out + result.err, result
    assert 'read 4096/4096' in result.out and 'connected to' in result.err, result


@pytest.mark.parametrize('kind, line', [(READ, 'read -P 0 0 4k'), (WRITE, 'write -P 5 0 4k')])
def test_lost_with_delay(work, kind, line):
    class Mortal(Dies):
        pass

    Mortal.kind = kind
    result = one(Mortal, work, line, options=',file.reconnect-delay=60')
    assert result.status == 0 and '4096/4096' in result.out, result
    assert 'is lost' in result.err and 'again' in result.err, result
    assert sum(request[0] == kind for request in result.server.requests) == 2, 'sent again, once'


def test_many_in_flight_survive(work):
    """All requests that were under way are sent again, none is answered twice."""
    class Late(Server):
        """Hangs up once sixteen have come."""
        def reply(self, connection, kind, *rest):
            if kind == WRITE and len(self.connections) == 1:
                if sum(request[0] == WRITE for request in self.requests) == 16:
                    raise EOFError
                return
            super().reply(connection, kind, *rest)

    lines = [f'aio_write -P {i + 1} {i * 4}k 4k' for i in range(16)] + ['aio_flush'] + [f'read -P {i + 1} {i * 4}k 4k' for i in range(16)]
    result = one(Late, work, *lines, options=',file.reconnect-delay=60')
    assert result.status == 0 and result.out.count('wrote 4096/4096') == 16 and 'failed' not in result.out, result


def test_what_was_answered_is_not_sent_again(work):
    """The server dies with half of the writes answered: the others, and only they, come again, each once and with its own bytes."""
    class Half(Server):
        def reply(self, connection, kind, *rest):
            with self.came:
                number = sum(request[0] == WRITE for request in self.requests)
            if kind == WRITE and len(self.connections) == 1:
                if number == 16:
                    raise EOFError
                if number % 2:
                    return
            super().reply(connection, kind, *rest)

    result = one(Half, work, *[f'aio_write -P {i + 1} {i * 4}k 4k' for i in range(16)], 'aio_flush', options=',file.reconnect-delay=60')
    assert result.status == 0 and result.out.count('wrote 4096/4096') == 16 and 'failed' not in result.out, result
    sent = [request[1] for request in result.server.requests if request[0] == WRITE]
    assert sorted(sent[16:]) == sorted(offset for number, offset in enumerate(sent[:16], 1) if number % 2 or number == 16)
    assert bytes(result.server.data[:64 * 1024]) == b''.join(bytes([i + 1]) * 4096 for i in range(16))


def test_smaller_after_reconnecting(work):
    class Shrinks(Dies):
        def go(self, connection):
            if len(self.connections) > 1:
                self.size = 1 << 19
            super().go(connection)

    result = one(Shrinks, work, 'length', 'read 0 4k', 'read 0 4k', 'length', 'read 768k 4k')
    assert '1 MiB\n' in result.out and '512 KiB\n' in result.out, result
    assert result.out.count('read 4096/4096') == 1, result
    assert 'the export has 524288 bytes now, not 1048576' in result.err, result


def test_read_only_after_reconnecting(work):
    class Closes(Dies):
        def go(self, connection):
            if len(self.connections) > 1:
                self.flags |= 2
            super().go(connection)

    result = one(Closes, work, 'read 0 4k', 'write 0 4k')
    assert 'write failed' in result.out + result.err and 'read-only' not in result.out, result
