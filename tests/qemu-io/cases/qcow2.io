Images of the format qcow2, in both directions.

== written and read back
@ args: -f qcow2
@ open: qcow2.img
read -P 0 0 1M
write -P 1 0 64k
write -P 2 100 1000
write -P 3 65000 70000
writev -P 4 300k 1 2 3 4096
read -P 1 0 100
read -P 2 100 1000
read -P 3 65000 70000
read -v 307190 64
readv -P 4 300k 1 2 3 4096
read -P 0 512k 512k
map
alloc 0 1M
alloc 128k 512
length
flush
info
== zeroes and discards
@ args: -d unmap
@ open: qcow2.img
write -P 1 0 512k
write -z 0 64k
write -z 100k 10k
write -z -u 128k 64k
discard 192k 64k
discard 300k 1k
map
alloc 0 1M
read -P 0 0 64k
read -P 1 64k 36k
read -P 0 100k 10k
read -P 0 128k 128k
read -v 307200 16
write -z -n 512k 512k
map
== beyond the end
@ args: -f qcow2
@ open: qcow2.img
read 1M 1
write 1M 1
read 1048575 2
write 1048575 2
write 1048575 1
discard 1M 512
alloc 2M
== read-only
@ args: -r
@ open: qcow2.img
write 0 512
discard 0 512
write -z 0 512
read -P 0 0 512
== asynchronous
@ args: -f qcow2
@ open: qcow2.img
@ unordered
aio_write -P 1 0 64k
aio_write -P 2 64k 64k
aio_write -P 3 512k 1k
aio_flush
aio_read -P 1 0 64k
aio_read -P 2 64k 64k
aio_read -P 3 512k 1k
aio_flush
map
== options
@ args:
@ open: none
open -o driver=qcow2,nope=1 qcow2.img
open -o driver=qcow2,backing.file.filename=second.img,backing.driver=raw qcow2.img
read -P 0x22 0 1M
write -P 1 1k 1k
read -P 0x22 0 1k
read -P 1 1k 1k
map
close
open -o l2-cache-size=x qcow2.img
open -o overlap-check=x qcow2.img
open -r qcow2.img
write 0 1
