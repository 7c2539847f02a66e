SPDX-License-Identifier: GPL-3.0-or-later
The program's options.
== nothing to do
@ via: -c
length
== no image, no command
@ open: none
@ args:
== help
@ args: --help
@ open: none
@ differs: usage-prose
== help short
@ args: -h
@ differs: usage-prose
== version
@ args: --version
@ differs: usage-prose
== version short
@ args: -V test.img
@ differs: usage-prose
== unknown option
@ differs: usage-prose
@ args: -Z
length
== unknown long option
@ differs: usage-prose
@ args: --nope
length
== ambiguous long option
@ differs: usage-prose
@ args: --ca
length
== abbreviated long option
@ args: --form raw
length
== long option with equals
@ args: --format=raw --read-only
write 0 512
== option without argument
@ differs: usage-prose
@ args: -f
@ open: none
== long option without argument
@ differs: usage-prose
@ args: --format
@ open: none
== argument for an option that takes none
@ differs: usage-prose
@ args: --read-only=x -f raw
length
== two images
@ args: -f raw second.img
@ differs: usage-prose
length
== three images
@ args: second.img odd.img
@ differs: usage-prose
length
== missing image
@ args:
@ open: missing.img
length
== missing image with format
@ open: missing.img
@ via: -c
length
length
== unknown format
@ args: -f nope
length
== wrong format
@ args: -f qcow2
length
== format twice
@ args: -f qcow2 -f raw
length
== format of a protocol
@ args: -f file
length
read 0 512
== probed
@ args:
length
== probed read-only
@ args: -r
length
write 0 512
== probed with commands
@ args:
@ via: -c
length
read 0 512
write 0 512
write 512 512
== an empty file is probed
@ args:
@ open: empty.bin
length
read 0 1
write 0 1
map
truncate 1k
length
write 0 512
== a folder
@ args:
@ open: dir
length
== a folder as raw
@ open: dir
length
== an empty name
@ args: -f raw
@ via: -c
@ open: none
open
== cache none
@ args: -f raw -t none
read 0 512
read 1 1
write 1 5000
read -v 4090 16
write -z 1 5000
discard 1 100000
write 4194303 1
== nocache
@ args: -f raw -n
read 3 1000
write 3 1000
writev 3 1000 5 3000
aio_write 100000 5
aio_flush
map
== direct I/O on an odd file
@ args: -f raw -n
@ open: odd.img
length
read 0 1000
read 990 10
write 990 10
write 995 10
length
== cache writeback
@ args: -f raw -t writeback
write 3 1000
flush
== cache writethrough
@ args: -f raw --cache=writethrough
write 3 1000
== cache directsync
@ args: -f raw -t directsync
write 3 1000
read 0 2000
== cache unsafe
@ args: -f raw -t unsafe
write 3 1000
flush
== bad cache
@ args: -f raw -t nope
length
== bad cache, long
@ args: -f raw --cache=
length
== bad discard
@ args: -f raw -d nope
length
== bad aio
@ args: -f raw -i nope
length
== aio threads
@ args: -f raw -i threads
read 0 512
write 0 512
== aio io_uring
@ args: -f raw -i io_uring
read 0 512
write 0 512
== aio native without direct I/O
@ differs: native-aio
@ args: -f raw -i native
length
== aio native with direct I/O
@ args: -f raw -i native -n
read 0 512
write 0 512
== native aio flag
@ args: -f raw -k -n
read 0 512
== native aio flag without direct I/O
@ differs: native-aio
@ args: -f raw -k
read 0 512
== misalign
@ args: -f raw -n -m
read 0 4k
write 0 4k
read 512 1k
write -P 3 513 1023
readv 0 512 1k
writev 0 512 1k
read -P 3 1k 512
== misalign without direct I/O
@ args: -f raw -m
read 0 4k
== copy on read
@ args: -f raw -C
read 0 4k
write 0 4k
map
== copy on read, read-only
@ args: -f raw -C -r
read 0 4k
== force share
@ args: -f raw -U
read 0 512
== force share read-only
@ args: -f raw -U -r
read 0 512
== snapshot
@ args: -f raw -s
length
== image options
@ args: --image-opts
@ open: driver=raw,file.driver=file,file.filename=test.img
length
read 0 512
== image options with an implied key
@ args: --image-opts
@ open: test.img
length
== image options with filename
@ args: --image-opts
@ open: filename=test.img
length
== image options and a format
@ args: --image-opts -f raw
@ open: driver=raw,file.filename=test.img
length
== image options: unknown driver
@ args: --image-opts
@ open: driver=nope
length
== image options: unknown key
@ args: --image-opts
@ open: driver=raw,file.filename=test.img,nope=1
length
== image options: unknown key below
@ args: --image-opts
@ open: driver=raw,file.filename=test.img,file.nope=1
length
== image options: window
@ args: --image-opts
@ open: driver=raw,offset=1536,size=2M,file.driver=file,file.filename=test.img
length
read 0 1
write -P 1 0 10
write -P 2 2097142 10
write 2097152 1
write 2097151 2
map
alloc 0 4M
discard 0 100
truncate 1M
length
info
flush
== image options: window without size
@ args: --image-opts
@ open: driver=raw,offset=1M,file.driver=file,file.filename=test.img
length
read -P 0 0 1M
truncate 1M
length
truncate 4M
length
map
== image options: window past the end
@ args: --image-opts
@ open: driver=raw,offset=1M,size=4M,file.driver=file,file.filename=test.img
length
== image options: offset past the end
@ args: --image-opts
@ open: driver=raw,offset=5M,file.driver=file,file.filename=test.img
length
== image options: unaligned size
@ args: --image-opts
@ open: driver=raw,size=1000,file.driver=file,file.filename=test.img
length
== image options: unaligned offset
@ args: --image-opts
@ open: driver=raw,offset=1,size=512,file.driver=file,file.filename=test.img
length
read 0 512
write 0 512
== image options: bad offset
@ args: --image-opts
@ open: driver=raw,offset=x,file.driver=file,file.filename=test.img
length
== image options: negative offset
@ args: --image-opts
@ open: driver=raw,offset=-1,file.driver=file,file.filename=test.img
length
== image options: doubled comma
@ args: --image-opts
@ open: driver=raw,file.filename=a,,b
length
== image options: no driver below
@ args: --image-opts
@ open: driver=raw
length
== image options: file driver on top
@ args: --image-opts
@ open: driver=file,filename=test.img
length
write 0 512
info
map
== image options: read-only
@ args: --image-opts
@ open: driver=raw,read-only=on,file.filename=test.img
length
write 0 512
== image options: probed
@ args: --image-opts
@ open: file.filename=test.img
length
== json name
@ args:
@ open: json:{"driver":"raw","offset":"1M","file":{"driver":"file","filename":"test.img"}}
length
== json name with numbers
@ args:
@ open: json:{"driver":"raw","offset":1048576,"read-only":true,"file":{"driver":"file","filename":"test.img"}}
length
write 0 1
== json name, probed
@ args:
@ open: json:{"file":{"driver":"file","filename":"test.img"}}
length
== json name and a format
@ args: -f raw
@ open: json:{"driver":"file","filename":"test.img"}
length
== json name and a contradicting format
@ args: -f qcow2
@ open: json:{"driver":"raw","file":{"driver":"file","filename":"test.img"}}
length
== json name: nothing
@ args:
@ open: json:
length
== json name: unknown key
@ args:
@ open: json:{"driver":"raw","nope":1,"file":{"driver":"file","filename":"test.img"}}
length
== json name: null value
@ args:
@ open: json:{"driver":"raw","file":null}
length
== json name: array
@ args:
@ open: json:{"driver":"raw","file":["x"]}
length
== file protocol
@ args: -f raw
@ open: file:test.img
length
== unknown protocol
@ args: -f raw
@ open: nope:test.img
length
== a path with a colon after a slash
@ args: -f raw
@ open: ./a:b
length
== commands go on after a failure
@ via: -c
read 8M 1
length
foo
length
read -x
length
== all succeed
@ via: -c
length
read 0 512
== one fails
@ via: -c
length
read 8M 512
length
== unknown command fails
@ via: -c
foo
== empty command
@ via: -c

length
== pattern mismatch fails
@ via: -c
read -P 0 0 512
== wrong usage fails
@ via: -c
read 0
== bad number fails
@ via: -c
read 0 x
== unknown option fails
@ via: -c
read -x 0 1
== refused write fails
@ args: -f raw -r
@ via: -c
write 0 512
== help succeeds
@ via: -c
@ differs: help-prose
help read
== help of nothing
@ via: -c
help foo
== open fails
@ args:
@ open: none
@ via: -c
open missing.img
length
== open and work
@ args:
@ open: none
@ via: -c
open -o driver=raw test.img
length
close
open -o driver=raw second.img
length
== asynchronous
@ via: -c
aio_write -q 0 512
aio_write -q 1M 512
== no image but a command
@ args:
@ open: none
@ via: -c
length
== object: unknown
@ args: --object nope
length
== object: secret
@ args: --object secret,id=s0,data=abc -f raw
length
== object: secret without id
@ args: --object secret,data=abc -f raw
length
== object: unknown property
@ args: --object secret,id=s0,nope=1 -f raw
length
== trace
@ args: -T nope_event -f raw
length
