SPDX-License-Identifier: GPL-3.0-or-later
Under its own name: read-only, quoting, comments, several commands in a line, hints.
== read-only by default
@ program: blkscope
@ via: -c
write 0 512
write -z 0 512
writev 0 512
aio_write 0 512
aio_flush
discard 0 512
truncate 1M
flush
length
== writable
@ program: blkscope
@ args: -f raw -w
@ via: -c
write 0 512
length
== reopen for writing
@ program: blkscope
@ args: -f raw -w -r
@ via: -c
write 0 512
reopen -w
write 0 512
reopen -r
write 0 512
== not reopened for writing in a session that reads
@ program: blkscope
@ via: -c
reopen -w
write 0 512
reopen -r
write 0 512
== open in a session
@ program: blkscope
@ args:
@ open: none
@ via: -c
length
open -f raw test.img
open -o driver=raw test.img
write 0 512
close
open -w -o driver=raw test.img
write 0 512
== opened for writing first
@ program: blkscope
@ args:
@ open: none
@ via: -c
open -w -o driver=raw test.img
write 0 512
close
open -o driver=raw test.img
reopen -w
write 0 512
== quoting
@ program: blkscope
read "0" '512'
read 0\x20 512
re"ad" 0 512
open "second.img"
help "nope nope"
help 'it''s'
help "a\"b"
help a\ b
help 'a\b'
help ""
read 0 512 ""
== unfinished quotes
@ program: blkscope
read "0 512
read '0 512
read 0 512\
length
== comments
@ program: blkscope
# a whole line
length # and the rest of one
   # behind spaces
read 0 512#no comment
read -q 0 512 #
== several commands in a line
@ program: blkscope
length; length
length;length
;length
length;
;;
read 0 512; nope; length
help "a;b"
length # one; two
quit; length
== ; between -c commands
@ program: blkscope
@ via: -c
length; read -P 1 0 512; length
length
== stop on error
@ program: blkscope
@ args: -f raw --stop-on-error
@ via: -c
length
read 8M 1
length
== probed
@ program: blkscope
@ args:
@ via: -c
length
read 0 512
== bad program options
@ program: blkscope
@ args: --dialect=3
@ via: -c
length
== bad cache
@ program: blkscope
@ args: -t nope
@ via: -c
length
== bad refs
@ program: blkscope
@ args: --refs=nope
@ via: -c
length
== json
@ program: blkscope
@ args: -f raw --json
@ via: -c
length
map
alloc 0 1M
info
nope
read 8M 1
write 0 512
== a temporary layer is writable, the image below is not touched
@ program: blkscope
@ args: -f raw -s
@ via: -c
write -q -P 0x7e 0 512
read -q -P 0x7e 0 512
close
open -o driver=raw test.img
read -q -P 0x7e 0 512
== searching
@ program: blkscope
@ args: -f raw -w
write -q -P 0x61 1000 5
write -q -P 0x7f 65536 2
search aaa
search -i AAAAA
search -n 1 a
search -x '7f ?f 00'
search -x '00 7?' 0 1M
search -x 00
search -x 00 0 1000
search -x 7f 70000
search nothing here
search
search -x 7
search ''
search -n 0 a
search a 99T
== breakpoints and errors
@ program: blkscope
@ args: -f raw -w
breakpoints
close
open -w -o driver=raw blkdebug::test.img
breakpoints
inject write_aio,errno=28,once=on
inject event=read_aio,sector=9,iotype=read
inject x=1
inject read_aio,nope=1
inject
break write_aio A
breakpoints
aio_write -q 0 512
breakpoints
resume A
aio_flush
read -q 4k 1k
breakpoints
inject -r 2
inject -r 2
inject -r x
remove_break A
remove_break A
breakpoints
