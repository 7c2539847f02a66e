SPDX-License-Identifier: GPL-3.0-or-later
The commands open, close and reopen.
== open and close
close
length
open test.img
length
close
close
open -o driver=raw test.img
length
o second.img
c
o -o driver=raw second.img
length
== open without an image
@ args:
@ open: none
length
open
open -r
open -x test.img
open test.img second.img
open missing.img
open dir
open empty.bin
length
close
open -o driver=raw odd.img
length
== read-only
@ args:
@ open: none
open -r -o driver=raw test.img
write 0 512
read 0 512
close
open -o driver=raw,read-only=on test.img
write 0 512
close
open -r -o driver=raw,read-only=off test.img
open -o driver=raw,read-only=x test.img
length
== cache modes
@ args:
@ open: none
open -t none -o driver=raw test.img
read 0 512
write 1 1
read 1 5
close
open -t writeback -o driver=raw test.img
write 2 2
close
open -t writethrough -o driver=raw test.img
write 3 3
close
open -t directsync -o driver=raw test.img
write 4 4
close
open -t unsafe -o driver=raw test.img
write 5 5
flush
close
open -t nope -o driver=raw test.img
length
open -n -o driver=raw test.img
write 4095 2
close
open -n -t unsafe -o driver=raw test.img
close
open -t
length
== discard modes
@ args:
@ open: none
open -d unmap -o driver=raw test.img
discard 0 64k
map
close
open -d ignore -o driver=raw test.img
discard 128k 64k
map
close
open -d on -o driver=raw test.img
discard 256k 64k
map
close
open -d off -o driver=raw test.img
discard 512k 64k
map
close
open -d nope -o driver=raw test.img
length
open -o driver=raw,discard=unmap test.img
discard 384k 64k
map
close
open -o driver=raw,discard=nope test.img
length
== aio modes
@ args:
@ open: none
open -i threads -o driver=raw test.img
read 0 512
close
open -i nope -o driver=raw test.img
length
open -k -n -o driver=raw test.img
read 0 512
close
== copy on read
@ args:
@ open: none
open -C -o driver=raw test.img
read 0 4k
close
open -C -r -o driver=raw test.img
read 0 4k
close
== force share
@ args:
@ open: none
open -U -r -o driver=raw test.img
read 0 512
close
open -U -o driver=raw test.img
read 0 512
write 0 512
close
open -o driver=raw,force-share=on,read-only=on test.img
read 0 512
close
== options
@ args:
@ open: none
open -o driver=raw,file.driver=file,file.filename=test.img
length
close
open -o driver=raw,offset=1M,size=1M test.img
length
read -P 0 0 1M
map
close
open -o driver=raw,offset=1M,size=8M test.img
open -o driver=raw,offset=5M test.img
open -o driver=raw,offset=1 test.img
length
close
open -o driver=raw,size=1000 test.img
open -o driver=raw,size=512 test.img
length
write 0 512
write 512 1
truncate 1M
truncate 0
close
open -o driver=raw,offset=512 test.img
length
write -P 3 0 512
truncate 1M
length
close
open -o driver=nope test.img
open -o nope=1 test.img
open -o driver=raw,nope=1 test.img
open -o driver test.img
open -o =x test.img
open -o , test.img
open -o driver=file test.img
read 0 512
close
open -o driver=raw,driver=raw test.img
length
close
open -o file.filename=test.img second.img
open -o driver=raw,node-name=foo test.img
length
close
open -o driver=raw,node-name=1x test.img
open -o driver=raw,cache.direct=on test.img
length
write 1 1
close
open -o driver=raw,cache.direct=x test.img
open -o driver=raw,cache.no-flush=on test.img
length
close
open -o driver=raw,detect-zeroes=on test.img
write -P 0 0 1M
map
close
open -o driver=raw,detect-zeroes=unmap test.img
open -o driver=raw,detect-zeroes=unmap,discard=unmap test.img
write -P 0 0 1M
map
close
open -o driver=raw,detect-zeroes=x test.img
open -o driver=raw,file.locking=off test.img
length
close
open -o driver=raw,file.aio=threads test.img
length
close
open -o driver=raw,auto-read-only=on test.img
write 0 512
close
== drivers that want another kind of file
@ args:
@ open: none
open -o driver=host_device,filename=test.img
open -o driver=host_cdrom,filename=test.img
open -o driver=file,filename=dir
open -o driver=file,filename=/dev/null
length
close
open -o driver=host_device,filename=/dev/null
length
close
open -o driver=file
open -o driver=raw
open -o filename=test.img
== names
@ args:
@ open: none
open file:test.img
length
close
open nope:test.img
open raw:test.img
open json:{"driver":"raw","file":{"driver":"file","filename":"test.img"}}
length
close
open json:{"driver":"raw","file.driver":"file","file.filename":"test.img"}
length
close
open json:{"driver":"raw"
open json:{}
open json:[]
open json:"x"
open json:{"driver":"nope"}
open json:{"driver":"raw","file":{"driver":"file","filename":"missing.img"}}
open json:{"driver":"null-co","size":"1M"}
length
read -P 0 0 0
close
open json:{"driver":"null-co","size":1048576}
length
close
open ./test.img
length
close
open ../ours-or-reference/test.img
open ""
open null-co://
length
read -P 0 0 512
write 0 512
map
alloc 0 1M
info
close
open null-aio://
length
close
== null
@ args: --image-opts
@ open: driver=null-co,size=1M,read-zeroes=on
length
read -P 0 0 1M
write 0 1M
write -z 0 1M
discard 0 1M
flush
map
alloc 0 1M
info
truncate 2M
read 1M 1
== null without zeroes
@ args: --image-opts
@ open: driver=null-co,size=1M
length
read 0 512
map
== null with latency
@ args: --image-opts
@ open: driver=null-co,size=1M,latency-ns=1000
read 0 512
write 0 512
== null with a negative latency
@ args: --image-opts
@ open: driver=null-co,size=1M,latency-ns=-1
length
== null-aio
@ args: --image-opts
@ open: driver=null-aio,size=1M,read-zeroes=on
length
read -P 0 0 1M
write 0 1M
== qcow2 is probed
@ args:
@ open: none
open qcow2.img
length
close
== not the format it is said to be
@ args:
@ open: none
open -o driver=qcow2 test.img
open -o driver=qcow2 empty.bin
length
== open while open
open second.img
length
open missing.img
open -x
open
length
close
open -o driver=raw second.img
length
== close refuses arguments
close x
close -x
length
== temporary snapshot
@ args:
@ open: none
open -s -o driver=raw test.img
== reopen
reopen
length
reopen -r
write 0 512
read 0 512
reopen -w
write 0 512
reopen -r -w
reopen -rr
reopen -r -r
reopen -w -w
reopen -x
reopen 1
reopen -r 1
length
== reopen cache
reopen -c none
write 1 1
read 0 512
reopen -c writeback
write 2 1
reopen -c writethrough
write 3 1
reopen -c directsync
write 4 1
reopen -c unsafe
write 5 1
flush
reopen -c nope
reopen -c
reopen -c none -c writeback
write 6 1
== reopen options
reopen -o read-only=on
write 0 512
reopen -o read-only=off
write 0 512
reopen -r -o read-only=on
reopen -w -o read-only=off
reopen -o cache.direct=on
write 1 1
reopen -c none -o cache.direct=on
reopen -c none -o cache.no-flush=on
reopen -c none -o cache.writeback=on
reopen -o cache.writeback=on
reopen -o nope=1
reopen -o driver=qcow2
reopen -o driver=raw
reopen -o driver=nope
reopen -o read-only=x
reopen -o detect-zeroes=on
write -P 0 0 1M
map
reopen -o discard=unmap
discard 2M 64k
map
reopen -o discard=nope
reopen -o offset=1M
length
reopen -o offset=0,size=1M
length
reopen -o size=x
reopen -o size=1000
reopen -o filename=second.img
reopen -o file.filename=second.img
reopen -o file.locking=off
reopen -o file.nope=1
reopen -o node-name=x
reopen -o =
reopen -o
length
== reopen without an image
@ args:
@ open: none
reopen
reopen -r
reopen -o read-only=on
== reopen what was opened read-only
@ args: -f raw -r
reopen -w
write 0 512
reopen -r
write 0 512
== reopen of a guessed image
@ args:
reopen -r
reopen -w
write 0 512
