SPDX-License-Identifier: GPL-3.0-or-later
alloc, map, length, info, flush.
== alloc
alloc 0
alloc 0 512
alloc 0 1M
alloc 1M
alloc 1M 1M
alloc 0 4M
alloc 1M 3M
alloc 4M
alloc 4M 512
alloc 4194303
alloc 4194303 512
alloc 5M
alloc 1 1
alloc 0 0
alloc 1000000 100000
alloc 0 8M
a 0 1k
alloc 0 0x400
alloc 2M 1.5M
== alloc of much
alloc 0 2G
alloc 0 7E
alloc 0 4G
alloc 0 8E
alloc 8E
alloc 7E 1
== alloc refusals
alloc
alloc 1 2 3
alloc x
alloc 0 x
alloc -q 0
alloc -1
alloc 99999999999999999999
alloc 0 99999999999999999999
== map
map
map 1
map -q
map x y
== map of a hole
@ image: 64M
map
write -z -u 0 64M
map
discard 0 64M
map
truncate 0
map
== map of scattered data
@ image: 64M
write -q 17M 64k
write -q 18M 64k
write -q 19M 64k
write -q -z 20M 64k
write -q -z -u 21M 64k
map
alloc 17M 64k
alloc 16M 4M
== map of odd sizes
truncate 4194305
map
truncate 4195001
write 4195000 1
map
truncate 1
map
== map of a large image
@ image: 5G
map
write 4G 64k
map
alloc 4G 64k
alloc 3G 2G
== length
length
l
length 1
length -q
truncate 1000
length
truncate 1023
length
truncate 1024
length
truncate 1025
length
truncate 1048577
length
truncate 67108864
length
truncate 66977792
length
truncate 1099511627776
length
truncate 1649267441664
length
truncate 1152921504606846976
length
truncate 0
length
== info
info
i
info 1
info -q
== flush
flush
f
flush 1
flush -q
write 0 512
flush
== info of qcow2
@ args: -f qcow2
@ open: qcow2.img
info
== all without an image
@ args:
@ open: none
alloc 0
map
length
info
flush
read 0 1
write 0 1
readv 0 1
writev 0 1
aio_read 0 1
aio_write 0 1
aio_flush
discard 0 1
truncate 1
break a b
remove_break a
resume a
wait_break a
sleep 1
reopen -r
close
read
read -x
length 1
