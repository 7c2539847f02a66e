SPDX-License-Identifier: GPL-3.0-or-later
poke: bytes as they are typed.
== hex and text
@ program: blkscope
@ args: -f raw -w
@ via: -c
poke 510 55 aa
poke 0x200 dead BEEF 00
poke 0x210 'de ad'
poke -t 0x220 two words
poke -t 0x230 'two  blanks'
poke -q 0 ff
poke -C 0 ff
read -v 510 66
== refused
@ program: blkscope
@ args: -f raw -w
@ via: -c
poke
poke 0
poke 0 5
poke 0 5g
poke 0 0x55
poke 0 ''
poke -t 0 ''
poke x 00
poke -z 0 00
poke 1E 00
read -v 0 16
== read-only
@ program: blkscope
@ args: -f raw
@ via: -c
poke 0 00
