SPDX-License-Identifier: GPL-3.0-or-later
reopen: all of a request, or nothing.
== reopen 1: reopen -r
reopen -r
write 0 512
reopen -w
write 0 512
== reopen 2: reopen -r
reopen -r
reopen
write 0 512
== reopen 3: reopen -r -w
reopen -r -w
== reopen 4: reopen -o read-only=on
reopen -o read-only=on
write 0 512
reopen -o read-only=off
write 0 512
== reopen 5: reopen -r -o read-only=on
reopen -r -o read-only=on
== reopen 6: reopen -w -o read-only=off
reopen -w -o read-only=off
== reopen 7: reopen -o driver=file
reopen -o driver=file
== reopen 8: reopen -o driver=raw
reopen -o driver=raw
== reopen 9: reopen -o file.filename=x
reopen -o file.filename=x
== reopen 10: reopen -o file.filename=test.img
reopen -o file.filename=test.img
length
== reopen 11: reopen -o offset=512
reopen -o offset=512
length
== reopen 12: reopen -o offset=512,size=1024
reopen -o offset=512,size=1024
length
reopen
length
reopen -o size=2048
length
read -v -P 0 0 32
== reopen 13: reopen -o size=2M
reopen -o size=2M
== reopen 14: reopen -o size=abc
reopen -o size=abc
== reopen 15: reopen -o size=513
reopen -o size=513
== reopen 16: reopen -o foo=1
reopen -o foo=1
== reopen 17: reopen -o node-name=x
reopen -o node-name=x
== reopen 18: reopen -o discard=unmap
reopen -o discard=unmap
reopen -o discard=bogus
== reopen 19: reopen -o detect-zeroes=on
reopen -o detect-zeroes=on
reopen -o detect-zeroes=bogus
reopen -o detect-zeroes=unmap
reopen -o detect-zeroes=unmap,discard=ignore
== reopen 20: reopen -c none
reopen -c none
read 0 512
reopen -c bogus
== reopen 21: reopen -c none -o cache.direct=on
reopen -c none -o cache.direct=on
== reopen 22: reopen -o cache.direct=on
reopen -o cache.direct=on
read 0 512
== reopen 23: reopen -o cache.writeback=off
reopen -o cache.writeback=off
== reopen 24: reopen -o force-share=on
reopen -o force-share=on
== reopen 25: reopen -r -o force-share=on
reopen -r -o force-share=on
length
== reopen 26: reopen -o file=x
reopen -o file=x
== reopen 27: reopen -o file.locking=off
reopen -o file.locking=off
reopen -o file.read-only=on
reopen -o file.aio=threads
== reopen 28: reopen -o auto-read-only=on
reopen -o auto-read-only=on
length
== reopen 29: reopen -o offset=512,foo=1
reopen -o offset=512,foo=1
length
== reopen 30: reopen -o size=512,file.foo=1
reopen -o size=512,file.foo=1
length
== reopen 31: reopen -o file.driver=file
reopen -o file.driver=file
reopen -o file.driver=nbd
== reopen 32: reopen -o read-only=maybe
reopen -o read-only=maybe
== reopen 33: reopen -o file.x.y=1
reopen -o file.x.y=1
== reopen 34: reopen -o file.cache.direct=on
reopen -o file.cache.direct=on
length
== reopen 35: reopen -o file.discard=ignore
reopen -o file.discard=ignore
length
== reopen 36: reopen -o driver=
reopen -o driver=
== reopen 37: reopen -o size=512,offset=2M
reopen -o size=512,offset=2M
length
== reopen 38: reopen -o read-only=on
@ args:
@ open: none
open -r -o read-only=off test.img
reopen -o read-only=on
write 512 512
== reopen 39: reopen -o read-only=off
@ args:
@ open: none
open -r test.img
reopen -o read-only=off
write 512 512
reopen -r
write 512 512
== reopen 40: reopen -o file.read-only=off
@ args:
@ open: none
open -r test.img
reopen -o file.read-only=off
write 512 512
reopen -w
write 512 512
== reopen 41: reopen -w
@ args:
@ open: none
open -o file.read-only=off -r test.img
reopen -w
write 512 512
== reopen 42: length
@ args:
@ open: none
open -o offset=512,driver=raw test.img
length
reopen -o size=2k
length
reopen -o offset=0
length
write -P 1 0 512
read -P 1 0 512
== reopen 43: reopen -r
@ args:
@ open: none
open -o driver=raw blkdebug::test.img
reopen -r
write 0 512
reopen -w
write 0 512
reopen -o file.align=4k
reopen -o file.config=x
reopen -o file.image.read-only=on
length
== reopen 44: reopen -c writeback
@ args:
@ open: none
open -t none -o driver=raw test.img
reopen -c writeback
read 0 512
reopen -c directsync
write 0 512
reopen -c unsafe
read 0 512
write 1 5
flush
== reopen 45: reopen -o detect-zeroes=on
@ args:
@ open: none
open -o driver=raw test.img
reopen -o detect-zeroes=on
write -P 0 0 64k
write -P 0 3 70000
map
discard 0 4k
reopen -o discard=off
discard 8k 64k
map
== reopen 46: reopen -o size=1k
@ args:
@ open: none
open -o driver=null-co
reopen -o size=1k
reopen -o latency-ns=5
reopen -r
length
reopen -o read-zeroes=on
