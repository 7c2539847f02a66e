SPDX-License-Identifier: GPL-3.0-or-later
The 2.4 dialect: sectors, its own texts, success whatever happened.
== reads and writes
@ program: blkscope
@ args: --dialect=2.4 -w -f raw
@ via: -c
read 0 512
read -v 2M 16
read -p -v 2M 16
read -P 0x12 0 512
write 512 512
write -P 3 1k 1k
readv 0 512 512
writev 4k 512 512
aio_flush
discard 0 64k
length
== alignment
@ program: blkscope
@ args: --dialect=2.4 -w -f raw
@ via: -c
read 1 512
read 0 1
read -p 1 1
write 1 512
write 0 1
write -p 1 1
readv 1 512
readv 0 1
readv 0 512 1
writev 1 512
writev 0 511
aio_read 1 512
aio_read 0 1
aio_write 1 512
aio_write 0 1
multiwrite 1 512
multiwrite 0 1
discard 1 512
discard 0 1
alloc 1
map
== alloc counts sectors
@ program: blkscope
@ args: --dialect=2.4 -f raw
@ via: -c
alloc 0
alloc 0 1
alloc 0 8
alloc 512 2
alloc 0 8192
alloc 0 9000
alloc 513
alloc x
alloc 0 x
== map
@ program: blkscope
@ args: --dialect=2.4 -f raw
@ via: -c
map
== bad numbers
@ program: blkscope
@ args: --dialect=2.4 -w -f raw
@ via: -c
read x 512
read 0 x
readv x 512
readv 0 x
write x 512
write 0 x
aio_read x 1
discard x 512
discard 0 x
truncate x
sigraise x
sleep x
read 99999999999999999999 512
write -P 256 0 512
== failures are no failures
@ program: blkscope
@ args: --dialect=2.4 -f raw
@ via: -c
read 8M 512
nope
read
write 0 512
== an image that can't be opened is
@ program: blkscope
@ args: --dialect=2.4
@ open: missing.img
@ via: -c
length
== machine readable
@ program: blkscope
@ args: --dialect=2.4 -f raw
@ via: -c
read -C 0 512
readv -C 0 512 512
