# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed, manuals and completions made from the tables, and how the program is hardened."""
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import support

BUILD = Path(support.BLKSCOPE).resolve().parent


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The files that an installation has, below its root."""
    if not (BUILD / 'build.ninja').exists():
        pytest.skip('the program under test is not in a build folder')
    root = tmp_path_factory.mktemp('root')
    subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', root], check=True, capture_output=True)
    prefix, = (path.parents[1] for path in root.rglob('bin/blkscope'))
    return prefix


def test_layout(installed):
    wanted = ['bin/blkscope', 'share/man/man1/blkscope.1', 'share/man/man7/blkscope-keys.7', 'share/man/man7/blkscope-qcow2.7',
              'share/man/man7/blkscope-security.7', 'share/bash-completion/completions/blkscope', 'share/zsh/site-functions/_blkscope',
              'share/fish/vendor_completions.d/blkscope.fish', 'share/applications/blkscope.desktop',
              'share/metainfo/io.github.blkscope.metainfo.xml', 'share/blkscope/themes/dark.theme']
    missing = [name for name in wanted if not (installed / name).is_file()]
    assert missing == []
    result = subprocess.run([installed / 'bin/blkscope', '--version'], check=True, capture_output=True, text=True)
    assert result.stdout.startswith('blkscope version'), result


def test_version_tells_what_works():
    version = re.search(r"version: '([^']+)'", (support.CHECKOUT / 'meson.build').read_text())[1]
    lines = support.blkscope('--version').out.splitlines()
    assert lines[0] == f'blkscope version {version}'
    assert [line.split()[0] for line in lines[1:]] == ['io_uring', 'sandbox', 'nbd', 'qemu-nbd', 'libraries']
    for library in ('glib 2.', 'ncurses 6.', 'readline 8.', 'zlib 1.', 'libdeflate 1.', 'zstd 1.'):
        assert library in lines[-1]
    assert support.drop_in('--version').out == f'qemu-io version 7.2 (blkscope {version})\n'
    news = (support.CHECKOUT / 'doc/NEWS.md').read_text()
    assert re.search(r'^## (\S+)', news, re.M)[1] == version, 'the newest section is of another version'


def commands():
    """Names of all commands there are, from the program itself."""
    text = support.blkscope('--headless', '-c', 'help').out
    return re.findall(r'^([a-z_-]+)[ ,]', text, re.M)


def manual(path):
    """The words of a manual, whole: on a terminal they would be hyphenated.  Bold ones begin with fB and end with fR."""
    return path.read_text().replace('\\', '')


def test_manual_names_every_option_and_command(installed):
    text = manual(installed / 'share/man/man1/blkscope.1')
    help_text = support.blkscope('--help').out
    options = re.findall(r'^ +(?:(-[a-zA-Z]), )?(--[a-z][a-z-]+)', help_text, re.M)
    assert len(options) > 20
    assert [name for pair in options for name in pair if name and f'fB{name}fR' not in text] == []
    names = commands()
    assert len(names) > 40, names
    keys = manual(installed / 'share/man/man7/blkscope-keys.7')
    of_keys = [name for name in names if f'({name})' in keys and re.match('hex-|map-|pending-|find-', name)]
    assert [name for name in names if name not in of_keys and not re.search(rf'^fB{name}fR', text, re.M)] == []


@pytest.mark.parametrize('page', ['man1/blkscope.1', 'man7/blkscope-keys.7', 'man7/blkscope-qcow2.7', 'man7/blkscope-security.7'])
def test_manual_fits_80_columns(installed, work, page):
    """Nothing sticks out on a terminal of that size, and the formatter has nothing to complain about."""
    if not shutil.which('man'):
        pytest.skip('man is not installed')
    result = subprocess.run(['man', '--warnings', '-l', installed / 'share/man' / page], capture_output=True, text=True,
                            env=support.environment(HOME=str(work), LANG='C.UTF-8', LC_ALL='C.UTF-8', MANWIDTH='80', MANPAGER='cat', PATH=os.environ['PATH']))
    assert result.returncode == 0 and result.stderr == ''
    lines = re.sub('.\b|\x1b\\[[0-9;]*m', '', result.stdout).splitlines()
    assert len(lines) > 50 and [line for line in lines if len(line) > 80] == []


def test_help_fits_80_columns():
    for told in (support.blkscope('--help').out, support.drop_in('--help').out):
        assert len(told.splitlines()) > 20 and [line for line in told.splitlines() if len(line) > 80] == []


def test_manual_names_what_is_set_and_read(installed):
    """Options of `set`, objects, and every variable of the environment that a source file asks for."""
    text = manual(installed / 'share/man/man1/blkscope.1')
    settings = re.findall(r'^(\S+) ', support.blkscope('--headless', '-c', 'set').out, re.M)
    assert len(settings) > 5 and [name for name in settings if not re.search(rf'^fB{name}fR', text, re.M)] == []
    sources = [path.read_text() for folder in ('src', 'ui') for path in (support.CHECKOUT / folder).rglob('*.c')]
    variables = {name for source in sources for name in re.findall(r'getenv\("([A-Z_]+)"\)', source)}
    assert len(variables) > 5 and [name for name in sorted(variables) if f'fB{name}fR' not in text] == []
    define = (support.CHECKOUT / 'src/block/object_define.c').read_text()
    objects = re.findall(r'^    \{"([a-z0-9-]+)", .* check_\w+\},$', define, re.M)
    assert len(objects) >= 4 and [name for name in objects if f'--object {name},id=' not in text] == []


def test_every_command_is_explained_with_an_example():
    names = commands()
    script = '\n'.join(f'help {name}' for name in names)
    told = support.blkscope('--headless', input=script + '\n').out
    assert [name for name in names if not re.search(rf'^  {re.escape(name)}( |$)', told, re.M)] == []
    contexts = set(re.findall(r'^(\w+) ', support.blkscope('--headless', '-c', 'bind').out, re.M))
    explained = support.blkscope('--headless', '-c', 'help bind').out
    assert len(contexts) > 8 and [name for name in sorted(contexts) if not re.search(rf'\b{name}\b', explained)] == []


def completed(bash, *words):
    script = f'source {bash}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blkscope; echo "${{COMPREPLY[@]}}"'
    return subprocess.run(['bash', '-c', script, 'bash', 'blkscope', *words], check=True, capture_output=True, text=True, cwd='/').stdout.split()


def test_completions(installed):
    bash = installed / 'share/bash-completion/completions/blkscope'
    assert completed(bash, '--rea') == ['--read-only']
    assert completed(bash, '-t', 'writeb') == completed(bash, '--cache', '=', 'writeb') == ['writeback']
    assert completed(bash, '--refs', '=') == ['ask', 'follow', 'none']
    assert 'dracula' in completed(bash, '--theme', 'd') and completed(bash, '-c', 'qui') == ['quit']
    assert completed(bash, '/us') == ['/usr']
    for name in re.findall(r'--([a-z][a-z-]+)', support.blkscope('--help').out):
        assert f'--{name}[' in (installed / 'share/zsh/site-functions/_blkscope').read_text()
        assert f'-l {name} ' in (installed / 'share/fish/vendor_completions.d/blkscope.fish').read_text()


def test_completions_in_fish(installed, work):
    if not shutil.which('fish'):
        pytest.skip('fish is not installed')
    script = f'source {installed}/share/fish/vendor_completions.d/blkscope.fish; complete -C "blkscope --rea"; complete -C "blkscope -t writeb"'
    result = subprocess.run(['fish', '--no-config', '-c', script], check=True, capture_output=True, text=True,
                            env=support.environment(HOME=str(work)))  # which it makes when it is missing
    assert result.stderr == '' and '--read-only\topen the image for reading only\n' in result.stdout and 'writeback' in result.stdout, result


@pytest.mark.parametrize('typed, becomes', [('--rea', '--read-only'), ('--theme drac', '--theme dracula')])
def test_completions_in_zsh(installed, work, typed, becomes):
    if not shutil.which('zsh'):
        pytest.skip('zsh is not installed')
    folder = installed / 'share/zsh/site-functions'
    subprocess.run(['zsh', '-f', '-n', folder / '_blkscope'], check=True)
    # A shell on a terminal of its own: what Tab makes of the line is read back from it.
    script = f'''zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= PROMPT= ; fpath=({folder} \\$fpath); autoload -Uz compinit; compinit -D -u; print LOADED"
zpty -r shell seen '*LOADED*LOADED*'
zpty -w -n shell $'blkscope {typed}\t'
zpty -r shell seen '*{becomes}*'
print COMPLETED'''
    result = subprocess.run(['zsh', '-f', '-c', script], capture_output=True, text=True, timeout=support.DEADLINE,
                            env=support.environment(HOME=str(work), LANG='C.UTF-8', LC_ALL='C.UTF-8'))
    assert result.stdout.endswith('COMPLETED\n'), result


@pytest.mark.parametrize('check, file', [(['desktop-file-validate'], 'applications/blkscope.desktop'),
                                         (['appstreamcli', 'validate', '--no-net'], 'metainfo/io.github.blkscope.metainfo.xml')], ids=['desktop', 'appstream'])
def test_desktop_data_is_valid(installed, check, file):
    if not shutil.which(check[0]):
        pytest.skip(f'{check[0]} is not installed')
    result = subprocess.run([*check, installed / 'share' / file], capture_output=True, text=True)
    assert result.returncode == 0, result


def test_desktop_data(installed):
    ET.parse(installed / 'share/metainfo/io.github.blkscope.metainfo.xml')
    entry = (installed / 'share/applications/blkscope.desktop').read_text()
    assert 'Terminal=true' in entry and 'Exec=blkscope %f' in entry


@pytest.mark.skipif(bool(support.FLAVOUR), reason='the sanitizers have their own rules')
def test_hardening():
    """Position independent, all relocations done and read-only, no executable stack, stack protector, fortified calls."""
    def readelf(*args):
        return subprocess.run(['readelf', '-W', *args, support.BLKSCOPE], check=True, capture_output=True, text=True).stdout

    assert re.search(r'Type:\s+DYN', readelf('-h'))
    segments, dynamic, symbols = readelf('-l'), readelf('-d'), readelf('--dyn-syms')
    assert 'GNU_RELRO' in segments and re.search(r'BIND_NOW|FLAGS.*NOW', dynamic)
    assert re.search(r'GNU_STACK.*RW ', segments), 'no executable stack'
    assert '__stack_chk_fail' in symbols and '_chk@' in symbols.replace('__stack_chk_fail', '')
    assert not os.path.islink(support.BLKSCOPE)
