SPDX-License-Identifier: GPL-3.0-or-later
The temporary layer: what is in it, undone, done again, written back, dropped.
== status, undo and redo
@ program: blkscope
@ args: -f raw -w -s
@ via: -c
overlay
write -P 1 0 4k
write -P 2 2k 4k
truncate 128M
overlay
overlay -j
overlay diff
overlay undo
length
overlay undo
read -P 1 0 4k
overlay redo
read -P 2 2k 4k
overlay redo
overlay redo
length
== commit asks
@ program: blkscope
@ args: -f raw -w -s
@ via: -c
write -P 1 0 4k
overlay commit
overlay commit -y
overlay
read -P 1 0 4k
overlay undo
write -P 1 0 2k
overlay diff -m
overlay diff
write -P 2 512 512
overlay diff -j
== a commit that fails half-way keeps the layer
@ program: blkscope
@ args: -w -s --image-opts
@ open: driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img,file.inject-error.0.event=write_aio,file.inject-error.0.sector=2048
@ via: -c
write -P 1 0 4k
write -P 2 1M 4k
overlay commit -y
overlay
read -P 1 0 4k
read -P 2 1M 4k
overlay undo
== discard drops all
@ program: blkscope
@ args: -f raw -w -s
@ via: -c
write -P 1 0 4k
truncate 64k
overlay discard
overlay
length
overlay undo
== started on an image that is open for reading
@ program: blkscope
@ args: -f raw
@ via: -c
overlay
overlay undo
overlay diff
overlay commit -y
overlay start
write -P 1 0 4k
overlay start
overlay diff
== not over an image that is open for writing
@ program: blkscope
@ args: -f raw -w
@ via: -c
overlay
overlay start
overlay bogus
overlay -x
== unknown under the reference's name
@ args: -f raw
@ via: -c
overlay
