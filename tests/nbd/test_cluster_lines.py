# SPDX-License-Identifier: GPL-3.0-or-later
"""The manual's commands for images in a cluster: each as it stands there, up to where it needs the cluster."""
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import support

sys.path.insert(0, str(Path(__file__).parent))

from servers import nbdkit  # noqa: E402

NOT_IN_DEBIAN_12, NEEDS_BOTO3 = ['vddk'], ['S3']
NOBODY = '127.0.0.1:1'
PAGE = (support.CHECKOUT / 'doc/nbd.md').read_text()
SECTION = PAGE[PAGE.index('## Images in a cluster'):].replace('\\\n', ' ')
LINES = re.findall(r'^    ((?:nbdkit|qemu-nbd) .*?) +# (.*)$', SECTION, re.M)


def here(word, work):
    for name, address in (('//server/', f'//{NOBODY}/'), ('//esxi/', f'//{NOBODY}/'), ('host=server', 'host=127.0.0.1'), ('/tmp/s', str(work / 's')),
                          ('/run/secret', str(work / 'secret'))):
        word = word.replace(name, address)
    return word


def test_there_is_one_for_each():
    assert {name for _, name in LINES} >= {'vSphere', 'Ceph', 'Gluster', 'S3'}


@pytest.mark.parametrize('line, name', LINES, ids=[name for _, name in LINES])
def test_it_asks_the_cluster(work, line, name):
    (work / 'secret').write_text('x')
    words = [here(word, work) for word in shlex.split(line)]
    if words[0] == 'qemu-nbd':
        if name == 'Ceph':
            pytest.skip('it would ask a name server for the monitors')
        result = subprocess.run(words, capture_output=True, text=True, timeout=support.DEADLINE)
        assert result.returncode and 'failed to connect' in result.stderr, result
        return
    plugin = words[words.index('-U') + 2]
    missing = subprocess.run(['nbdkit', '--dump-plugin', plugin], capture_output=True).returncode != 0
    if missing and plugin in NOT_IN_DEBIAN_12 + NEEDS_BOTO3:
        pytest.skip(f'nbdkit has no plugin {plugin} here')
    assert not missing, f'nbdkit has no plugin {plugin}'
    extra = ['port=1'] if plugin == 'ssh' else []
    assert words[:4] == ['nbdkit', '-r', '-U', str(work / 's')]
    with nbdkit(work / 's', '-r', *words[4:], *extra):
        result = support.blkscope('-f', 'raw', '-c', 'length', f'nbd+unix:///?socket={work / "s"}')
    assert result.status == 1 and 'Requested export not available' in result.err, result
