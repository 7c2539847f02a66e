# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of qemu-nbd and nbdkit: the same output as the reference program, and the same bytes on the server."""
import collections
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import support
from support import KIB, MIB, both, commands

sys.path.insert(0, str(Path(__file__).parent))

import servers  # noqa: E402

OPENING = [
    ['nbd+unix:///ex?socket=SOCKET'], ['nbd:unix:SOCKET:exportname=ex'], ['nbd:unix:SOCKET'], ['nbd+unix:///nope?socket=SOCKET'],
    ['nbd+unix:///ex?socket=/nonexistent'], ['nbd://localhost:1/ex'], ['nbd:localhost:1'], ['nbd:localhost'], ['nbd:'], ['nbd:unix:'],
    ['nbd+unix:///ex'], ['nbd+unix://host/ex?socket=SOCKET'], ['nbd://'], ['nbd://localhost/x?socket=/x'],
    ['nbd:unix:SOCKET:exportname=ex:foo'], ['nbd:unix:SOCKET:exportname='], ['nbd://localhost:99999/x'], ['nbd+foo://x'],
    ['-f', 'qcow2', 'nbd:unix:SOCKET:exportname=ex'], ['-r', '-U', 'nbd:unix:SOCKET:exportname=ex'],
    ['--image-opts', 'driver=nbd'], ['--image-opts', 'driver=nbd,server.type=unix'], ['--image-opts', 'driver=nbd,server.type=foo'],
    ['--image-opts', 'driver=nbd,server.type=unix,server.path=SOCKET,export=ex'],
    ['--image-opts', 'driver=nbd,server.type=unix,server.path=SOCKET,export=ex,server.foo=1'],
    ['--image-opts', 'driver=nbd,server.path=SOCKET,export=ex'], ['--image-opts', 'driver=nbd,path=SOCKET,export=ex,foo=1'],
    ['--image-opts', 'driver=nbd,path=SOCKET,host=x,export=ex'], ['--image-opts', 'driver=nbd,port=1,export=ex'],
    ['--image-opts', 'driver=nbd,host=localhost,port=1,export=ex,tls-creds=t0'],
    ['--image-opts', 'driver=nbd,server.type=inet,server.host=localhost,export=ex'],
    ['--image-opts', 'driver=nbd,server.type=inet,server.port=1,export=ex'],
    ['--image-opts', 'driver=nbd,server.type=inet,server.host=localhost,server.port=1,export=ex,reconnect-delay=x'],
    ['json:{"driver":"nbd","server":{"type":"unix","path":"SOCKET"},"export":"ex"}'],
    ['-c', 'open -o driver=nbd,path=SOCKET,export=ex'],
    *(['-c', f'open -o {options} nbd+unix:///ex?socket=SOCKET'] for options in (
        'driver=raw,file.reconnect-delay=5', 'file.reconnect-delay=5', 'driver=raw,file.export=ex', 'driver=nbd,export=foo', 'driver=nbd,host=x',
        'driver=nbd,port=1', 'driver=nbd,path=x', 'driver=raw,file.driver=nbd', 'driver=raw,file.server.type=inet', 'driver=nbd,tls-creds=x',
        'driver=nbd,foo=1')),
]

WORK = ['write -P 1 1000 5000', 'read -P 1 1000 5000', 'read -v 990 32', 'writev -P 3 5000 1000 2000 3000', 'readv -v 4990 20 30',
        'write -f -P 9 0 1k', 'write -z 64k 64k', 'write -zu 128k 64k', 'write -zn 192k 64k', 'discard 256k 64k', 'flush',
        'read -v 64k 16', 'truncate 11M', 'truncate 1M', 'length', 'map', 'alloc 1M 1k', 'aio_write -P 7 1M 1M', 'aio_flush',
        'aio_read 1M 1M', 'aio_flush', 'write 2097151 1', 'read 10M 1k', 'write -c 0 64k', 'reopen -r', 'write 0 1k', 'reopen -w',
        'write -P 4 3M 1k', 'reopen -o export=foo', 'length', 'info']


def disk(path, size=10 * MIB):
    with open(path, 'wb') as file:
        file.truncate(size)
        file.seek(MIB)
        file.write(bytes(range(256)) * 256)
    return path


@pytest.fixture
def export(work):
    """The socket of an export `ex`, read and written."""
    path = work / 's'
    with servers.qemu_nbd(path, '-f', 'raw', '-x', 'ex', disk(work / 'disk')):
        yield path


def test_opening(export):
    for args in OPENING:
        both(['-c', 'length', *(arg.replace('SOCKET', str(export)) for arg in args)])


def test_no_such_host():
    both(['-c', 'length', 'nbd://host.invalid/x'])


def test_every_command(work):
    images = [disk(work / name) for name in ('theirs', 'ours')]
    results = []
    for image, run in zip(images, (support.reference, support.drop_in)):
        with servers.qemu_nbd(work / 's', '-f', 'raw', image):
            results.append(run('-f', 'raw', '-d', 'unmap', *commands(WORK), f'nbd:unix:{work / "s"}'))
    assert support.without_times(results[0].out) == support.without_times(results[1].out)
    assert results[0].status == results[1].status
    assert images[0].read_bytes() == images[1].read_bytes()


def test_over_tcp(work):
    port = servers.free_port()
    with servers.qemu_nbd_tcp(port, '-f', 'raw', '-x', 'a b', disk(work / 'disk')):
        both(['-r', '-f', 'raw', '-c', 'read -v 1M 64', f'nbd://127.0.0.1:{port}/a%20b'])
        both(['-r', '-f', 'raw', '-c', 'read -v 1M 64', f'nbd:localhost:{port}:exportname=a b'])


def test_read_only_export(work):
    with servers.qemu_nbd(work / 's', '-r', '-f', 'raw', disk(work / 'disk')):
        name = f'nbd:unix:{work / "s"}'
        both(['-r', '-f', 'raw', '-c', 'write 0 1k', '-c', 'read 0 1k', '-c', 'reopen -w', name])
        refused = support.drop_in('-f', 'raw', '-c', 'read 0 1k', name)
        assert 'the server exports it read-only' in refused.out + refused.err and refused.status == 1


def test_qcow2_behind_it(work):
    """A format of ours over another program's bytes."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', work / 'disk', '10M'], check=True)
    with servers.qemu_nbd(work / 's', '-f', 'raw', work / 'disk'):
        name = f'nbd:unix:{work / "s"}'
        refused = support.drop_in('-c', 'write 0 64k', name)
        assert 'write failed' in refused.out + refused.err, 'an export does not grow'
    with open(work / 'disk', 'r+b') as file:
        file.truncate(4 * MIB)
    with servers.qemu_nbd(work / 's', '-f', 'raw', work / 'disk'):
        both([*commands(['write -P 5 1M 100k', 'read -P 5 1M 100k', 'map', 'info']), name])
    assert subprocess.run(['qemu-img', 'check', '-q', work / 'disk'], check=False).returncode == 0


def test_map(export):
    name = f'nbd:unix:{export}:exportname=ex'
    theirs = json.loads(subprocess.run(['qemu-img', 'map', '--output=json', '-f', 'raw', name], check=True, capture_output=True).stdout)
    result = support.blkscope('-f', 'raw', '-c', 'map --json', name)
    ours = json.loads(result.out) if result.out.startswith('[') else [json.loads(line) for line in result.out.splitlines()]
    assert [(run['start'], run['length']) for run in ours] == [(run['start'], run['length']) for run in theirs]


def chain(work):
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', work / 'base', '4M'], check=True)
    subprocess.run(['qemu-io', '-c', 'write 0 1M', work / 'base'], check=True, capture_output=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2', work / 'top'], check=True)
    subprocess.run(['qemu-io', '-c', 'write 512k 1M', work / 'top'], check=True, capture_output=True)
    return work / 'top'


def test_layers_of_the_server(work):
    with servers.qemu_nbd(work / 's', '-A', '-r', '-f', 'qcow2', chain(work)):
        result = support.blkscope('-f', 'raw', '-c', 'explain 0', '-c', 'map --json', f'nbd:unix:{work / "s"}')
    text = result.out[result.out.index('['):] if '[{' in result.out else None
    runs = json.loads(text) if text else [json.loads(line) for line in result.out.splitlines() if line.startswith('{')]
    assert [(run['start'], run['length'], run['depth']) for run in runs][:2] == [(0, 512 * KIB, 1), (512 * KIB, MIB, 0)]


def test_dirty_bitmap(work):
    image = work / 'disk'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '4M'], check=True)
    subprocess.run(['qemu-img', 'bitmap', '--add', image, 'b0'], check=True)
    subprocess.run(['qemu-io', '-c', 'write 1M 128k', image], check=True, capture_output=True)
    with servers.qemu_nbd(work / 's', '-r', '-f', 'qcow2', '-B', 'b0', image):
        options = f'driver=nbd,path={work / "s"},x-dirty-bitmap=qemu:dirty-bitmap:b0'
        args = ['qemu-img', 'map', '--output=json', '--image-opts', options]
        theirs = json.loads(subprocess.run(args, check=True, capture_output=True).stdout)
        ours = support.blkscope('--image-opts', '-c', 'map --json', options)
        nothing = support.blkscope('--image-opts', '-c', 'length', options.replace('b0', 'nope'))
    runs = json.loads(ours.out) if ours.out.startswith('[') else [json.loads(line) for line in ours.out.splitlines()]
    assert [(run['start'], run['length']) for run in runs] == [(run['start'], run['length']) for run in theirs]
    assert 'qemu:dirty-bitmap:nope not found' in nothing.err and nothing.status == 1


# ---- nbdkit: other sizes, other limits, errors ----

def test_odd_size(work):
    with servers.nbdkit(work / 's', 'memory', '3000001'):
        both(['-r', '-f', 'raw', '-c', 'length', '-c', 'read 3000000 1', '-c', 'read -v 2999990 11', f'nbd:unix:{work / "s"}'])


def assert_same_map(name):
    theirs = subprocess.run(['qemu-img', 'map', '--output=json', '-f', 'raw', name], check=True, capture_output=True, text=True).stdout
    ours = support.blkscope('-f', 'raw', '-c', 'map --json', name)
    assert json.loads(ours.out) == json.loads(theirs), ours


def test_end_of_an_odd_size(work):
    """The rest of the last sector reads as zeroes and can't be written."""
    lines = ['write -P 3 3000000 1', 'read -v 2999999 20', 'read 2999808 512', 'read 3000001 1', 'write -P 3 3000000 2', 'write -z 3000001 20',
             'write -z 2999900 300', 'discard 2999808 512', 'writev 2999808 200 312', 'readv -v 2999990 8 8', 'aio_write 2999808 512', 'aio_flush', 'map']
    with servers.nbdkit(work / 's', 'memory', '3000001'):
        both(['-f', 'raw', '-d', 'unmap', *commands(lines), f'nbd:unix:{work / "s"}'])
        assert_same_map(f'nbd:unix:{work / "s"}')
    with servers.nbdkit(work / 's', 'data', '@1048576 1*2000001'):
        assert_same_map(f'nbd:unix:{work / "s"}')


@pytest.mark.parametrize('minimum', [1, 512, 4096])
def test_block_sizes(work, minimum):
    with servers.nbdkit(work / 's', '--filter=blocksize-policy', 'memory', '1M', f'blocksize-minimum={minimum}', 'blocksize-preferred=4096',
                        'blocksize-maximum=64K', 'blocksize-error-policy=error'):
        lines = ['write -P 3 1000 3000', 'read -P 3 1000 3000', 'write -P 1 0 1M', 'read -P 1 0 1M', 'write -z 100 200', 'discard 0 8k', 'read -v 90 20']
        both(['-f', 'raw', *commands(lines), f'nbd:unix:{work / "s"}'])


@pytest.mark.parametrize('error', ['EIO', 'ENOSPC', 'EPERM'])
def test_errors_of_the_server(work, error):
    with servers.nbdkit(work / 's', '--filter=error', 'memory', '1M', f'error={error}', 'error-rate=100%'):
        both(['-f', 'raw', '-c', 'read 0 1k', '-c', 'write 0 1k', '-c', 'write -z 0 64k', '-c', 'flush', f'nbd:unix:{work / "s"}'])


# ---- names and libraries ----

def test_names_are_escaped(work):
    """The name of an export reaches a report as text only."""
    with servers.nbdkit(work / 's', 'memory', '1M'):
        result = support.blkscope('-f', 'raw', '-c', 'map --json', f'nbd+unix:///%1b%5b31m?socket={work / "s"}')
    assert '\x1b' not in result.out + result.err, result


def test_local_images_do_not_load_the_library(work):
    strace = shutil.which('strace')
    assert strace, 'package strace'
    disk(work / 'disk')
    subprocess.run([strace, '-f', '-e', 'trace=openat', '-o', work / 'trace', support.BLKSCOPE, '-f', 'raw', '-c', 'length', work / 'disk'],
                   check=True, capture_output=True, env=support.traced())
    assert 'libnbd' not in (work / 'trace').read_text()


@pytest.mark.skipif(not shutil.which('strace'), reason='strace is not installed')
def test_one_wait_for_each_request(work):
    """A server that lets us wait: nobody looks first whether that is necessary."""
    (work / 'script').write_text('read -q 0 4k\n' * 50)
    with servers.nbdkit(work / 's', '--filter=delay', 'memory', '1M', 'rdelay=10ms'):
        subprocess.run(['strace', '-o', work / 'calls', '-e', 'trace=poll,ppoll', support.BLKSCOPE, '-r', '-f', 'raw', '--script', work / 'script',
                        f'nbd:unix:{work / "s"}'], env=support.traced(), check=True)
    calls = (work / 'calls').read_text()
    # A busy machine has an answer come in pieces, each waited for; what ends without anything from the server is one too many.
    answers = max(collections.Counter(re.findall(r'= \d+ \(\[\{fd=(\d+), revents', calls)).values())
    assert answers >= 50 and calls.count('poll(') - answers < 25, calls
