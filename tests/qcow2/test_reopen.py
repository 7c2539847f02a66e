# SPDX-License-Identifier: GPL-3.0-or-later
"""A session that begins to write after others have: under our own name a reader holds no lock, so they may."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / 'sandbox'))

from images import create, name_another_base, qemu_img, with_another_base, write  # noqa: E402
from session import session  # noqa: E402
from support import MIB, blkscope  # noqa: E402

ARGS = ('--plain', '--no-sandbox', '--no-config', '--no-history')


def test_what_others_wrote_is_there(work):
    image = create(work / 'a.qcow2', 64 * MIB, cluster_size=4096)
    write(image, 'write -P 1 0 64k')
    with session(*ARGS, image.name, cwd=work) as running:
        assert 'read 4096/4096' in running.run('read -P 1 0 4k')  # its tables are in memory
        write(image, 'write -P 2 8M 1M', 'write -P 3 0 4k', 'discard 4k 60k', 'write -P 4 16M 64k')
        qemu_img('resize', '-q', image, '80M')
        said = running.run('reopen -w') + running.run('length')
        assert '80 MiB' in said, said
        said = ''.join(running.run(line) for line in ('write -P 5 4k 4k', 'write -P 6 9M 4k', 'write -P 7 24M 4M', 'read -P 2 8M 1M'))
        assert 'Pattern' not in said, said
        assert running.end()[0] == 0
    qemu_img('check', image)
    reads = ('read -P 2 8M 1M', 'read -P 3 0 4k', 'read -P 4 16M 64k', 'read -P 5 4k 4k', 'read -P 6 9M 4k', 'read -P 7 24M 4M')
    result = blkscope(*[word for line in reads for word in ('-c', line)], image.name, cwd=work)
    assert result.out.count('read ') == len(reads) and 'Pattern' not in result.out + result.err, result


def test_room_behind_compressed_data_may_be_somebody_elses(work):
    """A writer remembers where compressed data can go on."""
    image = create(work / 'a.qcow2', MIB)
    with session(*ARGS, '-w', image.name, cwd=work) as running:
        running.run('write -c -P 1 0 64k')
        assert 'rror' not in running.run('reopen -r')
        write(image, 'discard 0 64k', 'write -P 2 64k 256k')
        assert 'rror' not in running.run('reopen -w')
        running.run('write -c -P 3 512k 64k')
        running.end()
    qemu_img('check', image)
    result = blkscope('-c', 'read -P 2 64k 256k', '-c', 'read -P 3 512k 64k', image.name, cwd=work)
    assert result.status == 0 and 'Pattern' not in result.out, result


def test_an_image_over_another_file_is_not_written(work):
    image = with_another_base(work)
    with session(*ARGS, image.name, cwd=work) as running:
        running.run('length')
        name_another_base(image)
        assert 'close it and open it again' in running.run('reopen -w')
        assert 'read-only' in running.run('write 0 4k')
