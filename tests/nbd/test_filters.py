# SPDX-License-Identifier: GPL-3.0-or-later
"""nbdkit with its filters: slow, failing, picky, leaving and oddly large servers, and what the reference program makes of the same."""
import contextlib
import sys
from pathlib import Path

import pytest

import support
from support import KIB, both, commands

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

import servers  # noqa: E402
from terminal import Terminal  # noqa: E402
from test_formats import Session  # noqa: E402

LINES = ['length', 'write -P 3 1000 3000', 'read -P 3 1000 3000', 'write -P 1 0 1M', 'read -P 1 12345 70000', 'write -z 100 200', 'write -z 64k 128k',
         'write -zu 256k 64k', 'write -zn 512k 64k', 'discard 0 8k', 'discard 1 4095', 'read -v 90 20', 'flush', 'write -f 4k 4k',
         'aio_write -P 9 3000 5000', 'aio_flush', 'aio_read -P 9 3000 5000', 'aio_flush', 'readv -v 4090 4 4 4', 'map', 'alloc 0 1M']


@pytest.fixture(params=['unix', 'tcp'])
def serving(work, request):
    """A function that starts nbdkit on a Unix socket or loopback and gives its export's name, and what to put between that and an export."""
    @contextlib.contextmanager
    def serve(*args):
        if request.param == 'unix':
            with servers.nbdkit(work / 's', *args):
                yield f'nbd:unix:{work / "s"}'
        else:
            port = servers.free_port()
            with servers.nbdkit_tcp(port, *args):
                yield f'nbd:127.0.0.1:{port}'
    return serve


@pytest.mark.parametrize('args', [
    ['--filter=blocksize', 'memory', '1M', 'minblock=512', 'maxdata=64k', 'maxlen=128k'],
    ['--filter=blocksize', 'memory', '1M', 'minblock=65536'],
    ['--filter=blocksize-policy', '--filter=blocksize', 'memory', '1M', 'blocksize-minimum=65536', 'minblock=65536', 'blocksize-error-policy=error'],
    ['--filter=blocksize-policy', 'memory', '1M', 'blocksize-minimum=4k', 'blocksize-preferred=64k', 'blocksize-maximum=64k', 'blocksize-error-policy=error'],
    ['--filter=delay', 'memory', '1M', 'rdelay=1ms', 'wdelay=1ms', 'delay-extents=1ms', 'delay-open=5ms'],
    ['--filter=delay', 'memory', '1M', 'delay-fast-zero=false'],
], ids=lambda args: ' '.join(args[2:]))
def test_same_as_the_reference(serving, args):
    with serving(*args) as name:
        both(['-f', 'raw', '-d', 'unmap', *commands(LINES), name])


@pytest.mark.parametrize('error, operation', [*((name, '') for name in ('EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'ESHUTDOWN')),
                                              *(('ENOSPC', name) for name in ('pread-', 'pwrite-', 'trim-', 'zero-'))])
def test_errors(work, error, operation):
    lines = ['read 0 1k', 'aio_read 0 64k', 'aio_flush', 'write -P 1 0 1k', 'write -z 0 64k', 'write -zu 0 64k', 'discard 0 64k', 'flush', 'read -P 1 0 1k']
    with servers.nbdkit(work / 's', '--filter=error', 'memory', '1M', f'error={error}', f'error-{operation}rate=100%'):
        both(['-f', 'raw', '-d', 'unmap', *commands(lines), f'nbd:unix:{work / "s"}'])


def test_errors_of_the_map(work):
    """The server's word on what is where is not to be had: no map, rather than a wrong one."""
    with servers.nbdkit(work / 's', '--filter=error', 'memory', '1M', 'error=ENOMEM', 'error-extents-rate=100%'):
        result = support.blkscope('-f', 'raw', '-c', 'map --json', '-c', 'read 0 1k', f'nbd:unix:{work / "s"}')
    assert 'map failed: Cannot allocate memory' in result.out + result.err and 'read 1024/1024' in result.out, result


@pytest.mark.parametrize('rate', ['10%', '90%'])
def test_errors_now_and_then(work, rate):
    """Each request has its own, and only its own, also of neighbours that share a message."""
    step = 8 if rate == '10%' else 4
    lines = [f'aio_read -P 0 {i * step}k 4k' for i in range(256)] + ['aio_flush', 'length']
    with servers.nbdkit(work / 's', '--filter=error', 'memory', '2M', 'error=EIO', f'error-pread-rate={rate}'):
        result = support.blkscope('-f', 'raw', *commands(lines), f'nbd:unix:{work / "s"}')
    good, bad = result.out.count('read 4096/4096'), (result.out + result.err).count('failed: Input/output error')
    assert good + bad == 256 and good > 0 and bad > 0 and 'Pattern' not in result.out and result.out.endswith('2 MiB\n'), result


# ---- sizes ----

SIZES = [0, 1, 511, 513, 3000001, 1 << 62, (1 << 63) - (1 << 30), (1 << 63) - 512, (1 << 63) - 1, 1 << 63, -1, (1 << 64) - 1]


@pytest.mark.parametrize('size', SIZES)
def test_sizes(work, size):
    """No nbdkit 1.32 has a filter for evil sizes: its plugin `eval` says any."""
    pread = 'pread=head -c $3 /dev/zero'
    with servers.nbdkit(work / 's', 'eval', f'get_size=echo {size}', pread):
        both(['-r', '-f', 'raw', *commands(['length', 'read 0 512', 'read 1024 512', f'read {(1 << 63) - 513} 512']), f'nbd:unix:{work / "s"}'])


@pytest.mark.parametrize('size, block', [(1000001, 4096), (1100, 512)])
def test_sizes_that_are_no_blocks(work, size, block):
    """What does not fill a block can't be asked for: it is left out, and said to be; an assertion fails in the reference program."""
    args = ['--filter=blocksize-policy', 'memory', str(size), f'blocksize-minimum={block}', 'blocksize-maximum=1M', 'blocksize-error-policy=error']
    whole = size // block * block
    with servers.nbdkit(work / 's', *args):
        result = support.blkscope('-f', 'raw', '-w', *commands([f'write -P 7 0 {whole}', f'read -P 7 0 {whole}', f'write {whole} 512', f'read {size - 1} 1',
                                                                'map --json']), f'nbd:unix:{work / "s"}')
    assert f'wrote {whole}/{whole}' in result.out and f'read {whole}/{whole}' in result.out and 'Pattern' not in result.out, result
    assert f'the last {size % block} bytes of the export' in result.err and f'"length": {whole}' in result.out, result


# ---- exports ----

def test_names_of_exports(work):
    args = ['--filter=exportname', 'memory', '1M', 'exportname=one', 'exportname=b \u4e16\u754c', 'exportname-strict=true', 'default-export=one']
    with servers.nbdkit(work / 's', *args):
        for name in ('one', '', 'two', 'one/', 'ONE', 'b%20%E4%B8%96%E7%95%8C'):
            both(['-r', '-f', 'raw', '-c', 'length', f'nbd+unix:///{name}?socket={work / "s"}'])


def test_files_of_a_folder(work):
    """Two exports of one server at once, each with its own bytes."""
    (work / 'files').mkdir()
    for i, name in enumerate(('a', 'b')):
        (work / 'files' / name).write_bytes(b'same' * 128 * KIB + bytes([i]) * 512 * KIB)
    opts = f'driver=blkverify,raw.driver=nbd,raw.path={work / "s"},raw.export=a,test.driver=nbd,test.path={work / "s"},test.export=b'
    with servers.nbdkit(work / 's', 'file', f'dir={work / "files"}'):
        good = support.blkscope('--image-opts', *commands(['read 0 512k', 'aio_read 100k 4k', 'aio_read 200k 4k', 'aio_flush']), opts)
        bad = support.blkscope('--image-opts', '-c', 'read 0 1M', opts)
    assert 'read 524288/524288' in good.out and good.out.count('read 4096/4096') == 2 and 'failed' not in good.err, good
    assert 'contents mismatch at offset 524288' in bad.out + bad.err, bad


# ---- leaving ----

def test_exits_when_told(work):
    """nbdkit refuses new clients and stays for its old ones until they leave."""
    with servers.nbdkit(work / 's', '--filter=exitwhen', 'memory', '1M', f'exit-when-file-created={work / "stop"}', 'exit-when-poll=1') as server:
        with Session(work, '-f', 'raw', f'nbd:unix:{work / "s"}') as session:
            (work / 'stop').touch()
            session.ask('read 0 4k', 'read 4096/4096')
            session.say('close')
            session.ask('length', 'no file open')
            server.wait(support.DEADLINE)


def test_exits_with_its_last_client(work):
    """What was started with one, a qcow2 above it, is gone with the image."""
    with servers.nbdkit_unprobed(work / 's', '--filter=exitlast', 'memory', '1M') as server:
        result = support.blkscope('-f', 'raw', '-c', 'read 0 4k', f'nbd:unix:{work / "s"}')
        assert 'read 4096/4096' in result.out, result
        assert server.wait(support.DEADLINE) == 0


# ---- slow ----

def test_the_screen_does_not_wait(work):
    """Keys move the cursor while a server takes a minute for a read."""
    with servers.nbdkit(work / 's', '--filter=delay', 'memory', '1M', 'rdelay=60', 'delay-extents=0') as server:
        try:
            with Terminal(['-f', 'raw', f'nbd:unix:{work / "s"}']) as terminal:
                terminal.wait('1 MiB')
                terminal.send(':', 'read 512k 4k', 'Enter')
                terminal.wait('1 pending')
                terminal.send('Esc')
                terminal.wait('MOVE')
                terminal.send('g')
                terminal.wait('go to')
                terminal.send('64k', 'Enter')
                terminal.wait('offset 65536')
                terminal.send('Ctrl-C')
                terminal.wait('CONNECTION LOST')
        finally:
            server.kill()


def test_many_slow_reads_overlap(work):
    """A server that takes 100 ms for each of 64 reads, far from each other, is asked for all at once: by one for each it would be 6.4 s."""
    lines = [f'aio_read -q {i * 512}k 4k' for i in range(64)] + ['aio_flush']
    with servers.nbdkit(work / 's', '-t', '64', '--filter=delay', '--filter=log', 'memory', '32M', 'rdelay=100ms', f'logfile={work / "log"}'):
        result = support.blkscope('-f', 'raw', *commands(lines), f'nbd:unix:{work / "s"}')
    assert result.status == 0, result
    log = [line.split() for line in (work / 'log').read_text().splitlines() if ' Read id=' in line]
    under_way = most = 0
    for words in log:
        under_way += -1 if any('return' in word for word in words) or '...Read' in ' '.join(words) else 1
        most = max(most, under_way)
    assert most > 16, most


def test_the_picture_does_not_show_that_it_waited(work):
    """What screen waits for takes longer than a command may before the screen says that it runs."""
    with servers.nbdkit(work / 's', '--filter=delay', 'pattern', '1M', 'rdelay=700ms'):
        result = support.blkscope('--headless', '-f', 'raw', '-c', 'goto 512k hex', '-c', 'screen', f'nbd:unix:{work / "s"}')
    assert '00 00 00 00 00 08 00 00' in result.out and 'Ctrl-C' not in result.out, result


def test_what_hex_shows_is_no_file(work):
    with servers.nbdkit(work / 's', 'memory', '64k'):
        result = support.blkscope('--headless', '-f', 'raw', *commands(['hex-host', 'focus hex', 'zoom', 'screen']), f'nbd:unix:{work / "s"}',
                                  env=support.screen_environment())
    assert 'hex · what the server has' in result.out and 'file s' not in result.out, result


# ---- a comparison with what a server has ----

def test_a_comparison_that_is_not_followed_says_so(work):
    """What is written to an export by others is not noticed; what is written to a file is."""
    (work / 'disk').write_bytes(bytes(64 * KIB))
    with servers.nbdkit(work / 's', 'memory', '64k'):
        result = support.blkscope('--headless', '--no-sandbox', '-f', 'raw', *commands(['zoom', 'differences nbd:unix:s', 'screen', 'map-difference-list', 'screen']),
                                  work / 'disk', cwd=work, env=support.screen_environment())
    assert 'vs nbd:unix:s, not followed · linear' in result.out, result
    assert '0 ranges differ from nbd:unix:s, 0 bytes · not followed' in result.out, result
    with servers.nbdkit(work / 's', 'memory', '64k'):
        result = support.blkscope('--headless', '--no-sandbox', '-f', 'raw', *commands(['zoom', 'differences disk', 'screen']), 'nbd:unix:s', cwd=work,
                                  env=support.screen_environment())
    assert 'vs disk, not followed · linear' in result.out, result
    (work / 'other').write_bytes(bytes(64 * KIB))
    result = support.blkscope('--headless', '-f', 'raw', *commands(['zoom', 'differences other', 'screen']), work / 'disk', cwd=work, env=support.screen_environment())
    assert 'not followed' not in result.out and 'vs other · linear' in result.out, result
