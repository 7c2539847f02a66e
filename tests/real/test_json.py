# SPDX-License-Identifier: GPL-3.0-or-later
"""`--json`: what every command that `help` lists prints for a raw and a qcow2 image is JSON, also where it fails or there is nothing to list."""
import json
import re
import subprocess

import pytest

from support import BLKSCOPE, DEADLINE, MIB, blkscope, environment, make_image, screen_environment

# What makes each do its work; every one is run without words as well.
WORDS = {
    'aio_discard': ['0 64k'], 'aio_read': ['0 64k', '-v 0 512'], 'aio_write': ['0 64k'], 'alloc': ['0 1M'], 'bitmaps': ['b0', 'nothing'],
    'break': ['read_aio A', '-l'], 'cancel': ['1'], 'chain': ['-s'], 'check': ['-r all', '-z', '-r'], 'compare': ['OTHER', '-j OTHER', 'SAME', 'CHANGED', 'nothing'],
    'create': ['-f qcow2 NEW 1M', 'OTHER 1M'], 'discard': ['0 64k'], 'explain': ['0', '--host 0', '99T'], 'follow': ['all'],
    'help': ['read', 'break', 'nothing'], 'inject': ['read_aio', '-r 1'], 'map': ['nonsense', '--json', '--extents', '--summary', '--host', 'export SVG'],
    'multiwrite': ['0 4k ; 8k 4k'], 'open': ['nothing', '-o driver=nothing'], 'overlay': ['start', 'diff', 'commit', 'undo'], 'poke': ['0 01 02'],
    'read': ['0 64k', '-v 0 512', '-P 1 0 512', '99T 512', 'x y', '0 0x1k'], 'read-as': ['raw'], 'readv': ['0 4k 4k'], 'relink': ['backing OTHER'],
    'remove_break': ['A'], 'reopen': ['-r', '-r -w'], 'resume': ['A'], 'search': ['-x 11', 'nowhere', '-n 1 -x 11', '-n 2 -x 5a5a5a5a'], 'sleep': ['1'], 'source': ['SCRIPT', 'nothing'],
    'truncate': ['1M'], 'wait_break': ['A'], 'write': ['0 64k', '-s nothing 0 64k'], 'writev': ['0 4k 4k'], 'zone_append': ['0 4k'],
    **{f'zone_{name}': ['0 4k'] for name in ('close', 'finish', 'open', 'report', 'reset')},
}
WITH_OVERLAY = {'aio_discard', 'aio_write', 'discard', 'multiwrite', 'overlay', 'poke', 'truncate', 'write', 'writev', 'zone_append', 'zone_close', 'zone_finish',
                'zone_open', 'zone_reset'}
ENDS_THE_PROGRAM = {'abort', 'sigraise'}
# What is told in words: everything else has members.
IN_WORDS = {'create -f qcow2 NEW 1M', 'create OTHER 1M', 'help break', 'help read', 'map export SVG'}
# What ends with status 1 and no error: it differs, is not as it should be, is nowhere.
NOT_DONE = {'compare', 'check', 'search'}
# What has nothing to say when all went well.
SILENT = {'aio_flush', 'close', 'discard', 'flush', 'follow', 'map', 'overlay', 'quit', 'read-as', 'relink', 'reopen', 'sleep', 'truncate'}


def documents(text):
    decoder, found = json.JSONDecoder(), []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def make(work, kind):
    path = work / 'disk'
    make_image(work / 'OTHER')
    if kind == 'raw':
        make_image(path)
    else:
        subprocess.run(['qemu-img', 'convert', '-O', 'qcow2', work / 'OTHER', path], check=True)
        subprocess.run(['qemu-img', 'bitmap', '--add', path, 'b0'], check=True)
    (work / 'SCRIPT').write_text('length\nnothing\n')
    (work / 'SAME').symlink_to(path)
    return path


def make_rich(work, kind):
    """Something of everything that is listed: ranges that differ, a snapshot, a bitmap that is dirty."""
    path = make(work, kind)
    make_image(work / 'CHANGED')
    with open(work / 'CHANGED', 'r+b') as file:
        file.write(b'Z')
    write = ['-c', 'write -P 0x5a 512k 64k', '-c', 'write -P 0x5a 640k 64k']
    subprocess.run(['qemu-io', '-f', kind, *write, path], check=True, capture_output=True)
    if kind == 'qcow2':
        subprocess.run(['qemu-img', 'snapshot', '-c', 'before', path], check=True)
    return path


def lines(name):
    return [name, *(f'{name} {words}' for words in WORDS.get(name, []))]


@pytest.mark.parametrize('kind', ['raw', 'qcow2'])
def test_every_command_prints_json(tmp_path, kind):
    path = make_rich(tmp_path, kind)
    table = documents(blkscope('--json', '-c', 'help').out)
    names = [row['command'] for row in table]
    assert {'event': 'read_aio'} in documents(blkscope('--json', '-c', 'help break').out)
    assert len(names) > 50 and set(WORDS) | SILENT | ENDS_THE_PROGRAM <= set(names)
    for line in [line for name in names if name not in ENDS_THE_PROGRAM for line in lines(name)]:
        name = line.split()[0]
        result = blkscope('--json', '-f', kind, *(['-s'] if name in WITH_OVERLAY else []), '-c', line, path, cwd=tmp_path)
        try:
            found = documents(result.out)
        except json.JSONDecodeError as error:
            raise AssertionError(f'{line}: {error}\n{result}') from None
        assert all(isinstance(document, (dict, list)) for document in found), line
        assert found or result.status == 0 and name in SILENT, f'{line}\n{result}'
        errors = [document['error'] for document in found if 'error' in document]
        assert bool(errors) == (result.status != 0) or result.status == 1 and NOT_DONE & {name, line}, f'{line}\n{result}'
        assert line in IN_WORDS or not any('message' in document for document in found), f'{line}\n{result}'
        assert not re.search('^  ', result.err, re.MULTILINE), f'a hint is for a person: {line}\n{result}'


def test_what_a_format_has_not_is_an_error_and_an_empty_list_a_list(tmp_path):
    path = tmp_path / 'raw'
    make_image(path)
    for command in ('header', 'check', 'explain 0', 'explain --host 0', 'snapshots', 'bitmaps', 'break -l', 'breakpoints', 'wait_break A'):
        result = blkscope('--json', '-f', 'raw', '-c', command, path)
        assert [list(document) for document in documents(result.out)] == [['error']] and result.status == 1, f'{command}\n{result}'
    empty = tmp_path / 'qcow2'
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', empty, str(MIB)], check=True)
    for command, found in (('snapshots', {'snapshots': []}), ('bitmaps', {'bitmaps': []}), ('search a', {'matches': []}), (f'compare {empty}', {'ranges': []})):
        assert documents(blkscope('--json', '-c', command, empty).out) == [found], command
    assert documents(blkscope('--json', '-c', 'breakpoints', f'blkdebug::{empty}').out) == [{'breakpoints': []}]


# What the commands of the screen are given; without words as well.
OF_THE_SCREEN = {
    'ask': ['nothing', 'go-to text x'], 'bind': ['x', 'hex Ctrl-G nothing', 'prompt'], 'cursor': ['map 0', 'nothing 0', 'hex 99T'],
    'differences': ['OTHER SAME'], 'do': ['down', 'nothing', 'down x'], 'find': ['nowhere', '-x zz'], 'focus': ['nothing', 'hex'],
    'goto': ['nowhere', '99T', '5..4', '0 nothing'], 'hex-copy': ['nothing', 'hex 0 1'], 'hex-next-data': ['0 x', 'nowhere'],
    'hex-save': ['OTHER 0 512'], 'hex-type': ['nothing', 'digits x'], 'keys': ['Down'], 'layout': ['nothing', 'wide left 40%'], 'map-only': ['9', 'x', '-b x'],
    'mark': ['a', 'aa'], 'mouse': ['nothing 0 0'], 'save-script': ['OTHER'], 'screen': ['--svg', 'x'], 'scroll': ['x'], 'set': ['mouse', 'nothing', 'mouse maybe'],
    'show': ['nothing', 'help x'], 'theme': ['nothing', 'dark'], 'to-mark': ['z'], 'trace': ['x'], 'type': ['x y z'],
}


def test_commands_of_the_screen_print_json(tmp_path):
    path = make(tmp_path, 'raw')
    names = [row['command'] for row in documents(blkscope('--headless', '--json', '-c', 'help').out)]
    assert set(OF_THE_SCREEN) <= set(names)
    every = [line for name in OF_THE_SCREEN for line in [name, *(f'{name} {words}' for words in OF_THE_SCREEN[name])]]
    for line in every:
        result = blkscope('--headless', '--json', '-f', 'raw', '-c', line, path, cwd=tmp_path)
        found = documents(result.out)
        assert any('error' in document for document in found) == (result.status != 0), f'{line}\n{result}'
    for line in ('set', 'bind', 'layout', 'mark', 'theme', 'trace'):
        assert documents(blkscope('--headless', '--json', '-c', line).out), line


def test_the_screen_is_an_object(tmp_path):
    path = make(tmp_path, 'raw')
    args = ('--headless', '--no-config', '-f', 'raw')
    plain = blkscope(*args, '-c', 'focus map', '-c', 'screen', path, cwd=tmp_path).out
    (shown,) = (document for document in documents(blkscope(*args, '--json', '-c', 'focus map', '-c', 'screen', path, cwd=tmp_path).out) if 'text' in document)
    assert (shown['columns'], shown['rows'], len(shown['text']), shown['cursor']) == (80, 24, 24, None)
    assert '\n'.join(shown['text'][:16]) == '\n'.join(line.rstrip() for line in plain.split('\n')[:16])
    (shown,) = (document for document in documents(blkscope(*args, '--json', '-c', 'focus console', '-c', 'screen', path, cwd=tmp_path, env=screen_environment()).out) if 'text' in document)
    row = shown['text'][shown['cursor']['row']]
    assert row.startswith('│>') and shown['cursor']['column'] == row.index('>') + 2
    (picture,) = (document for document in documents(blkscope(*args, '--json', '-c', 'screen --svg', path, cwd=tmp_path).out) if 'svg' in document)
    assert picture['svg'].startswith('<svg') or picture['svg'].startswith('<?xml')


def test_names_of_bitmaps_complete(tmp_path):
    path = make(tmp_path, 'qcow2')
    script = ('-c', 'focus console', '-c', 'keys b i t m a p s Space b Tab', '-c', 'screen')
    assert '│> bitmaps b0' in blkscope('--headless', '--no-config', *script, path, cwd=tmp_path, env=screen_environment()).out


def test_what_the_clipboard_refuses_failed(tmp_path):
    path = make(tmp_path, 'raw')
    result = blkscope('--headless', '--no-config', '-f', 'raw', '-c', 'hex-copy hex 0 4', path, cwd=tmp_path)
    assert result.status == 1 and 'hex-copy: not copied: this terminal has no clipboard (4 bytes as hex); hex-save writes bytes to a file' in result.err + result.out


def test_an_error_of_several_lines_is_one_document(tmp_path):
    path = make(tmp_path, 'qcow2')
    with subprocess.Popen(['qemu-io', path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdin.write(b'length\n')
        holder.stdin.flush()
        assert b'qemu-io' in holder.stdout.read1()
        result = blkscope('--json', '-w', '-c', 'length', path)
        holder.communicate(timeout=DEADLINE)
    (document,) = documents(result.out)
    assert document['error'].count('\n') == 1 and 'lock' in document['error'], result


def test_where_both_streams_are_one_an_error_is_said_once():
    both = subprocess.run([BLKSCOPE, '--json', '-c', 'nothing', '-c', 'open /nowhere'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment(), timeout=DEADLINE)
    assert [list(document) for document in documents(both.stdout)] == [['error'], ['error']]


def test_the_structure_of_a_qcow2_image(tmp_path):
    path = make(tmp_path, 'qcow2')
    fields = {document['field']: document for document in documents(blkscope('--json', '-c', 'header', path).out)}
    assert fields['version'] == {'field': 'version', 'offset': 4, 'length': 4, 'value': '3', 'problem': None}
    way = documents(blkscope('--json', '-c', 'explain 0', path).out)
    data = next(step for step in way if step['step'] == 'data')
    owners = documents(blkscope('--json', '-c', f'explain --host {data["host"]}', path).out)
    assert owners[0]['owner'] == 'data' and owners[0]['guest'] == 0 and owners[-1] == {'refcount': 1}

    def both():
        theirs = json.loads(subprocess.run(['qemu-img', 'check', '--output=json', path], capture_output=True, text=True).stdout)
        ours = documents(blkscope('--json', '-c', 'check', path).out)
        assert {key: value for key, value in theirs.items() if key in ours[-1]} == {key: ours[-1][key] for key in theirs if key in ours[-1]}
        return ours

    assert len(both()) == 1
    with open(path, 'r+b') as file:  # two guest clusters are the same cluster
        entry = next(step['host'] for step in way if step['step'] == 'L2')
        file.seek(entry)
        first = file.read(8)
        file.seek(entry + 8)
        file.write(first)
    found = both()
    assert found[0]['severity'] == 'corruption' and found[0]['host'] == data['host'] and found[0]['repaired'] is False
    guests = [document['guest'] for document in found if document.get('cluster') == data['host'] and 'owner' in document]
    assert sorted(guests) == [0, 65536] and {'cluster': data['host'], 'owners': 2} in found


def test_what_a_repair_did(tmp_path):
    path = make(tmp_path, 'qcow2')
    way = documents(blkscope('--json', '-c', 'explain 0', path).out)
    with open(path, 'r+b') as file:  # nobody names that cluster any more
        file.seek(next(step['host'] for step in way if step['step'] == 'L2'))
        file.write(bytes(8))
    result = blkscope('--json', '-w', '-c', 'check -r leaks', path)
    found = documents(result.out)
    assert {'corruptions-fixed': 0, 'leaks-fixed': 1} in found and found[-1]['leaks'] == 0 and result.status == 0, result
    assert not any('message' in document for document in found), result


def test_breakpoints_and_rules(tmp_path):
    make_image(tmp_path / 'raw')
    commands = ['break read_aio A', 'inject read_aio', 'aio_read 0 512', 'breakpoints']
    found = documents(blkscope('--json', '-f', 'raw', *[word for command in commands for word in ('-c', command)], f'blkdebug::{tmp_path}/raw').out)
    assert {'breakpoint': 'A', 'event': 'read_aio', 'armed': 0, 'suspended': 1, 'hits': 1} in found, found
    assert [document['event'] for document in found if 'rule' in document] == ['read_aio'], found
