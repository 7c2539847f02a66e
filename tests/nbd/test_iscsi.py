# SPDX-License-Identifier: GPL-3.0-or-later
"""Images behind iSCSI: a target on loopback.  tgt's package starts a service that listens everywhere, so ./dev setup takes only its files."""
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import support
from support import KIB, MIB

sys.path.insert(0, str(Path(__file__).parent))

from servers import free_port, running_tcp  # noqa: E402

UNPACKED = support.CHECKOUT / 'build/unpacked/tgt/usr/sbin'
TGTD, TGTADM = (shutil.which(name) or shutil.which(name, path=UNPACKED) for name in ('tgtd', 'tgtadm'))
pytestmark = pytest.mark.skipif(not TGTD or not TGTADM, reason='tgt could not be fetched')
TARGET = 'iqn.2026-01.example:disk'


@pytest.fixture
def portal(work):
    (work / 'lun').write_bytes(random.Random(1).randbytes(MIB) + bytes(3 * MIB))
    port, control, env = free_port(), '77', support.environment(TGT_IPC_SOCKET=str(work / 'control'))
    args = [TGTD, '-f', '-C', control, '--iscsi', f'portal=127.0.0.1:{port}', '-p', work / 'pid']
    with running_tcp(args, port, cwd=work, env=env):
        for words in (['new', '--mode', 'target', '--tid', '1', '-T', TARGET],
                      ['new', '--mode', 'logicalunit', '--tid', '1', '--lun', '1', '-b', str(work / 'lun')],
                      ['bind', '--mode', 'target', '--tid', '1', '-I', '127.0.0.1']):
            subprocess.run([TGTADM, '-C', control, '--lld', 'iscsi', '--op', *words], env=env, check=True)
        yield f'127.0.0.1:{port}'


def said(result):
    return support.without_times(result.out), result.err, result.status


def test_as_the_reference_program(work, portal):
    commands = support.commands(['length', 'read -v 100k 64', 'map', 'write -P 9 0 4k', 'write -z 64k 64k', 'aio_read 0 1M', 'aio_flush', 'read 0 4M', 'flush'])
    bytes_before, runs = (work / 'lun').read_bytes(), []
    for run in support.reference, support.drop_in:
        (work / 'lun').write_bytes(bytes_before)
        runs.append((said(run('-f', 'raw', *commands, f'iscsi://{portal}/{TARGET}/1')), (work / 'lun').read_bytes()))
    assert runs[0] == runs[1]
    options = f'driver=raw,file.driver=iscsi,file.transport=tcp,file.portal={portal},file.target={TARGET},file.lun=1'
    assert support.blkscope('--image-opts', '-c', 'read -P 0 2M 2M', options).status == 0


@pytest.mark.parametrize('name', [f'{TARGET}/7', 'iqn.2026-01.example:none/1', f'{TARGET}/x'])
def test_what_is_not_there(portal, name):
    theirs, ours = (said(run('-r', '-f', 'raw', '-c', 'length', f'iscsi://{portal}/{name}')) for run in (support.reference, support.drop_in))
    assert theirs == ours and ours[2] == 1


def test_a_qcow2_image_on_a_lun(work, portal):
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', 'lun', '2M'], cwd=work, check=True)
    subprocess.run(['qemu-io', '-c', 'write -P 7 100k 64k', 'lun'], cwd=work, check=True, stdout=subprocess.DEVNULL)
    with open(work / 'lun', 'r+b') as lun:
        lun.truncate(4 * MIB)
    result = support.blkscope('-w', '-c', 'read -P 7 100k 64k', '-c', f'write -P 8 1M {64 * KIB}', '-c', 'read -P 8 1M 64k', '-c', 'map', f'iscsi://{portal}/{TARGET}/1')
    assert result.status == 0 and 'Pattern verification failed' not in result.out, result
    subprocess.run(['qemu-io', '-r', '-c', 'read -P 8 1M 64k', 'lun'], cwd=work, check=True, stdout=subprocess.DEVNULL)
