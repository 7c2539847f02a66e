SPDX-License-Identifier: GPL-3.0-or-later
== unmapped by default
discard 0 64k
map
read -P 0x11 0 64k
== unmap
@ args: -f raw -d unmap
discard 0 64k
map
read -P 0 0 64k
d 128k 64k
discard -q 256k 4k
discard -C 264k 4k
discard -Cq 272k 4k
discard 280k 0
discard 300001 7000
discard 300001 1
discard 4194303 1
map
== unmap by its other name
@ args: -f raw -d on
discard 0 1M
map
== ignore
@ args: -f raw --discard=ignore
discard 0 1M
map
== off
@ args: -f raw -d off
discard 0 1M
map
== whole image
@ args: -f raw -d unmap
discard 0 4M
map
read -P 0 0 4M
== refusals
discard
discard 0
discard 0 1 2
discard -x 0 512
discard -z 0 512
discard x 512
discard 0 x
discard 0 -1
discard -q
discard 0 8E
discard 8E 0
discard 7E 1
discard 0 7E
discard 99999999999999999999 1
== too large
@ args: -f raw -d unmap
@ image: 5G
discard 0 2147483136
discard 0 2147483137
discard 0 2G
discard 0 4G
discard 1G 4G
discard 0 5G
map
== beyond the end
@ args: -f raw -d unmap
discard 4M 1
discard 4194303 2
discard 5M 512
discard -q 5M 512
map
== no image
@ open: none
@ args:
discard 0 512
