# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does on the screen, feature by feature, on the demonstration image: keys go in, and what it comes to is looked at."""
import re
import shutil

import pytest
import support
from support import CHECKOUT

# By feature: command lines, `keys` among them; then what has to be on the screen (with ! in front: what must not be).
WALKS = {
    # ---- hex ----
    'hex-follows-image-buffer-and-every-file': [
        (['keys Tab'], ['hex · image', '00000000  00 00 00 00']),
        (['read -q 48M 512', 'keys Esc'], ['hex · read 512 bytes at 0x3000000', '03000000  66 66 66 66']),
        (['focus hex', 'keys i'], ['hex · image']),
        (['keys o'], ['hex · file demo.qcow2 · layer 0', '51 46 49 fb']),
        (['keys o'], ['hex · file layer.qcow2 · layer 1']),
        (['keys o'], ['hex · file disk.raw · layer 2']),
    ],
    'holes-are-not-read-and-repeated-rows-fold': [
        (['goto 220M hex', 'keys j'], ['7c 7c 7c 7c', 'bytes the same', 'of zeroes without data']),
        (['keys f'], ['!the same']),
    ],
    'groups-byte-order-and-offsets': [
        (['goto 2M hex', 'keys s S'], ['2 bytes le']),
        (['keys s "#"'], ['4 bytes le', 'decimal', '2097152']),
        (['keys "#"'], ['in cluster']),
    ],
    'the-inspector-follows-the-cursor-and-knows-fields': [
        (['goto 0x1be hex'], ['MBR · ', 'u8 128 0x80']),
        (['focus hex', 'goto 1049656'], ['ext', 'u16 61267 0xef53']),
        (['goto h:0x28'], ['qcow2 header · L1 table|qcow2 header · l1_table_offset|L1']),
        (['keys Enter'], ['hex · file demo.qcow2', '0x30000']),
        (['keys Ctrl-O'], ['offset 40 0x28']),
        (['keys Ctrl-N'], ['0x30000']),
    ],
    'places-are-typed-in-many-ways': [
        (['focus hex', 'keys g 64k Enter'], ['0x10000 layer 2']),
        (['keys g +512 Enter'], ['0x10200 ']),
        (['keys g 50% Enter'], ['0x8000000 ']),
        (['keys g $ Enter'], ['0xfffffff ']),
        (['keys g s:3 Enter'], ['0x600 ']),
        (['keys g c:800 Enter'], ['0x3200000 layer 0']),
        (['keys g h1:0 Enter'], ['hex · file layer.qcow2 · layer 1']),
    ],
    'marks-selection-and-copies': [
        (['goto 48M hex', 'keys m q', 'goto 0', 'keys "\'" q'], ['0x3000000 layer 0']),
        (['keys v 1 5 l', 'keys v'], ['selected 0x3000000..0x300000f 16 bytes']),
        (['hex-save picked', 'keys Esc'], ['!selected']),
    ],
    'search-in-text-and-hex': [
        (['goto 0 hex', 'keys / demonstration Enter'], ['0x100478 ']),
        (['goto 0', 'keys "\\\\" "55 aa" Enter'], ['0x1fe ']),
        (['keys N n'], ['0x1fe ']),
    ],
    'jumps-by-what-the-tables-say': [
        (['goto 48M hex', 'keys ]'], ['0x3300000 ']),
        (['keys ['], ['0x3000000 ']),
        (['keys c'], ['0x4800000 ']),
        (['keys C'], ['0x2500000 layer 1|0x2400000 layer 1|0x27fffff layer 1']),
        (['goto 48M', 'keys e'], ['0x3300000 ']),
        (['keys a'], ['0x4020000 layer 0']),
        (['goto 212M', 'keys x'], ['0xd400000 |0xd400001 ']),
        (['goto 230M', 'keys w'], ['0xe400000 |0xec00000 ']),
        (['goto 64M', 'keys t'], ['no byte of a file is behind these']),
        (['goto 65664k', 'keys t'], ['hex · file demo.qcow2', '0x670000']),
    ],
    # ---- map ----
    'the-map-zooms-and-knows-every-kind': [
        ([], ['map · linear · 256 KiB/cell', 'backing 2', 'compressed', 'zero-allocated', 'unallocated']),
        (['goto 64M', 'focus map', 'keys + +'], ['linear · 4 KiB/cell']),
        (['keys -'], ['linear · 32 KiB/cell']),
        (['keys O'], ['256 KiB/cell']),
        (['keys c'], ['map · curve']),
    ],
    'lists-sizes-and-the-order-of-the-file': [
        (['focus map', 'keys e'], ['map · extents', 'layer 2']),
        (['keys e s'], ['sizes of extents']),
        (['keys s t'], ['map · file', 'header']),
    ],
    'layers-as-a-list-and-on-the-map': [
        (['keys F7'], ['chain · 3 layers', '0 image · qcow2', '1 backing · qcow2', '2 backing · raw', 'supplies ']),
        (['keys Down m'], ['only layer 1', 'compressed']),
        (['keys F7 Down Down Enter'], ['hex · file disk.raw · layer 2']),
        (['map-only'], ['!only layer']),
    ],
    'differences-from-the-backing-file': [
        (['focus map', 'keys x'], ['vs layer.qcow2|vs ']),
        (['goto 0', 'keys n'], ['0x700000 |0x3000000 ']),
        (['keys L'], ['map · differences', 'range']),
    ],
    # ---- pending ----
    'requests-are-stopped-seen-and-resumed': [
        (['close; open -o driver=qcow2,file.driver=blkdebug,file.image.filename=demo.qcow2', 'trace on', 'break read_aio A', 'aio_read -q 48M 4k'], ['suspended', '1 pending', '0x3000000']),
        (['focus pending', 'keys Enter'], ['03000000  ']),
        (['focus pending', 'keys e'], ['pending · events', 'read_aio']),
        (['keys e r'], ['done', "Resuming request 'A'"]),
        (['keys t'], ['pending · times']),
        (['keys t B'], ['pending · breakpoints']),
        (['keys B', 'keys i read_aio,errno=5,once=on Enter', 'aio_read -q 49M 4k', 'keys B'], ['read_aio']),
    ],
    # ---- console, screen ----
    'the-console-completes-searches-and-keeps-a-script': [
        (['focus console', 'keys leng Tab Enter', 'sleep 1'], ['> length', '│256 MiB']),
        (['help', 'keys F3 b i n d Enter'], ['lines below']),
        (['keys End'], ['!lines below']),
        (['length; info; save-script kept'], ['256 MiB']),
    ],
    'help-palette-themes-and-modes': [
        (['keys ?'], [' HELP ', 'keys · Down for more', 'show the first byte of the cell in hex']),
        (['keys / suspend'], ['search: suspend', 'stop the program']),
        (['keys Esc q'], [' MOVE ']),
        (['keys Ctrl-P zoo'], [' LIST ', '> zoom']),
        (['keys Enter'], ['!hex · image']),
        (['keys z F9 nord Enter', 'theme'], ['* nord']),
        (['keys :'], [' TYPE ']),
        (['keys Esc g'], [' ASK ']),
    ],
    'sizes-in-lists-are-exact': [
        (['focus map', 'keys e', 'keys j j j j j'], ['+3891200 bytes']),
        (['keys e', 'differences', 'keys L'], ['20 ranges differ from the backing file, 13373440 bytes']),
    ],
    'the-palette-finds-what-is-elsewhere': [
        (['goto 0', 'keys : F2 next Space compressed'], ['> hex-next-compressed', 'hex: c']),
        (['keys Enter'], [' MOVE ', '0x2400000 layer 1']),
    ],
    'the-inspector-gives-room-to-the-bytes': [
        (['focus hex', 'goto 2M', 'keys I'], ['sector 4096 + 0', '!FILETIME']),
        (['keys I'], ['!sector 4096 + 0']),
        (['keys I'], ['FILETIME']),
    ],
    'counts-layouts-and-the-mouse': [
        (['focus hex', 'hex-fold', 'keys 1 0 j'], ['0xa0 ']),
        (['layout wide columns 30%', 'layout'], ['wide columns 30']),
        (['layout reset', 'mouse press 14 3'], ['map · linear']),
    ],
}


@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp('walk')
    shutil.copy(CHECKOUT / 'LICENSE', folder / 'text')
    (folder / 'label').write_bytes(b'demonstration\0\0\0')
    (folder / 'swap').write_bytes(b'SWAPSPACE2')
    result = support.blkscope('--stop-on-error', '--headless', '--script', CHECKOUT / 'doc/demo/commands', cwd=folder)
    assert result.status == 0, result
    return folder


@pytest.mark.parametrize('name', WALKS)
def test_on_the_demonstration_image(demo, name):
    env = support.environment(**support.SCREEN)
    env.update(COLUMNS='160', LINES='48')
    lines = []
    for commands, _ in WALKS[name]:
        lines += [*commands, 'screen']
    script = ''.join(f'{line}\n' for line in lines)
    (demo / f'{name}.commands').write_text(script)
    result = support.blkscope('--headless', '--no-config', '--theme=dark', '--refs=follow', '--script', f'{name}.commands', 'demo.qcow2',
                              cwd=demo, env=env)
    screens = re.split(r'^(?= (?:MOVE|TYPE|LIST|HELP|ASK) )', result.out, flags=re.M)[1:]
    assert len(screens) == len(WALKS[name]), result
    for (commands, wanted), shown in zip(WALKS[name], screens):
        for text in wanted:
            if text.startswith('!'):
                assert text[1:] not in shown, (commands, text, shown)
            else:
                assert any(part in shown for part in text.split('|')), (commands, text, shown)
    if 'kept' in script:
        assert 'length' in (demo / 'kept').read_text()
    if 'picked' in script:
        assert (demo / 'picked').read_bytes() == b'\x66' * 16


def test_a_narrow_legend_says_what_each_sign_is(demo):
    env = support.environment(**support.SCREEN)
    env.update(COLUMNS='120', LINES='40')
    shown = support.blkscope('--headless', '--no-config', '--refs=follow', '-c', 'screen --svg', '-c', 'screen', 'demo.qcow2', cwd=demo, env=env).out
    legend = ''.join(line[1:41] for line in shown[shown.index('</svg>'):].splitlines() if '%' in line)  # for that the map had to be complete
    for sign in ['. zero', 'C compressed', 'B backing', 'D data', '2 backing 2', '- zero-allocated']:
        assert sign in legend, shown
