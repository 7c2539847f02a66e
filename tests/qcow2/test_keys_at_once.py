# SPDX-License-Identifier: GPL-3.0-or-later
"""A key does the same when nothing was read or painted yet as it does on a screen that is complete."""
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from images import create, write  # noqa: E402
from support import blkscope, commands  # noqa: E402

KEYS = Path(__file__).parent.parent.parent / 'doc' / 'keys.md'
FOCUS = {'map': (), 'hex': ('Tab',), 'pending': ('Tab', 'Tab'), 'console': ('Tab', 'Tab', 'Tab')}
ENDING = ('q', 'Ctrl-Z')


def keys_of(*contexts):
    """The first key of each request in these parts of the page of keys."""
    parts = re.split(r'^## (\S+)$', KEYS.read_text(), flags=re.M)
    tables = dict(zip(parts[1::2], parts[2::2]))
    return [row.split(', ')[0].replace('\\|', '|') for context in contexts for row in re.findall(r'^\| (\S.*?) \| `', tables[context], flags=re.M)]


def word(key):
    return f"'{key}'" if key in '\\"#' else f'"{key}"' if key == "'" else key


@pytest.fixture(scope='module', name='image')
def fixture_image(tmp_path_factory):
    folder = tmp_path_factory.mktemp('keys')
    base = create(folder / 'base.qcow2', '256M')
    disk = create(folder / 'disk.qcow2', None, backing='base.qcow2', backing_format='qcow2')
    # Whole clusters: whether the rest of one is a hole of the file is the file system's to say, and that may change.
    write(base, 'write -P 9 64k 64k', 'write -P 9 100M 1M')
    write(disk, *(f'write -P {i + 1} {i * 3 + 1}M 64k' for i in range(20)), 'write -z 200M 1M')
    return disk


def screen(image, *lines):
    """Its rows; not those of the console, which has the lines themselves."""
    rows = blkscope('--headless', '--no-config', '--no-history', *commands([*lines, 'screen']), image.name, cwd=image.parent).out.splitlines()[-24:]
    console = [i for i, row in enumerate(rows) if re.match(r'.[\[ ]console', row)]
    return rows[:console[0]] + rows[-1:] if console else rows


@pytest.mark.parametrize('focus', FOCUS)
def test_a_key_at_once_does_what_it_does_later(image, focus):
    contexts = ('map', 'hex', 'pending') if focus == 'console' else (focus, 'move', 'global')
    keys = [key for key in keys_of(*contexts) if key not in ENDING and not (focus == 'console' and len(key) == 1)]
    lost = []
    for key in keys:
        line = ' '.join(('keys', *FOCUS[focus], word(key)))
        at_once, later = screen(image, line), screen(image, 'screen', line)
        if at_once != later:
            lost.append((key, support.difference('\n'.join(later), '\n'.join(at_once))))
    assert len(keys) > 3 and not lost, '\n'.join(f'{key}:\n{how}' for key, how in lost)


@pytest.mark.parametrize('first', ['keys z t', 'keys Tab z o'])
def test_keys_in_a_row_do_what_they_do_one_by_one(image, first):
    one_by_one = [part for key in first.split()[1:] for part in ('screen', f'keys {key}')]
    assert screen(image, first) == screen(image, *one_by_one)


@pytest.mark.parametrize('keys', ['] ] j', 't ] j l', '[ j l', 'Tab ] ] t', 'Tab j j', 'Tab x w n j', 'Tab o Enter j'])
def test_the_next_key_starts_where_the_one_before_led(image, keys):
    one_by_one = [part for key in keys.split() for part in ('screen', f'keys {key}')]
    assert screen(image, f'keys {keys}') == screen(image, *one_by_one)
