SPDX-License-Identifier: GPL-3.0-or-later
== sleep
sleep 0
sleep 1
sleep 010
sleep 0x1
sleep
sleep x
sleep -1
sleep 1 2
sleep 1x
sleep 1.5
sleep 1k
length
== requests go on meanwhile
@ unordered
aio_read 0 512
sleep 20
aio_flush
== sigraise refusals
sigraise
sigraise x
sigraise 1 2
sigraise 99999999999
sigraise -1
sigraise 1x
sigraise 0
sigraise 18
sigraise 017
sigraise SIGTERM
sigraise TERM
sigraise 65
sigraise 64000
sigraise 2147483648
length
== sigraise 0x0
sigraise 0x0
length
== sigraise kills
length
sigraise 9
length
== sigraise terminates
length
sigraise 15
length
== sigraise interrupts
length
sigraise 2
length
== sigraise user
sigraise 10
length
== sigraise pipe
sigraise 13
length
== sigraise segfault
length
sigraise 11
length
== sigraise ignored
sigraise 17
length
sigraise 28
length
== sigraise hang up
sigraise 1
length
== abort
length
abort
length
== abort takes no arguments
abort 1
abort -x
length
== abort by -c
@ via: -c
@ differs: output-before-abort
length
write -P 5 0 512
abort
length
== quit
length
quit
length
== q
q
length
== quit ignores arguments
quit 1 2 3
length
== quit with options
quit -x
length
== quit by -c
@ via: -c
length
quit
length
== quit after failure by -c
@ via: -c
read 8M 1
quit
== the last line needs no newline
length
