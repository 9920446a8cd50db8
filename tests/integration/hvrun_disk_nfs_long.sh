#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An image on NFS: the locks keep a second VM out, on the same machine and on another one, and the
# message names the holder; a guest boots from it. hvlab-long hvlab-timeout: 900
set -u

. "${0%/*}/lib.sh"

[ -n "${MYHV_LAB:-}" ] || skip "this test sets up an NFS server: in the lab only"
modprobe -q nfsd && modprobe -q nfsv4 || skip "this kernel has no NFS"

# The server is the kernel's, and no daemon: what it would ask them for is told to it beforehand.
# Whoever works in the server's folder is another machine to the client.
mkdir server client
# Whoever looks at a mount whose server is gone waits for ever: it goes first, and whatever uses it.
unserve()
{
	local left
	left=$(jobs -p)
	# shellcheck disable=SC2086
	[ -z "$left" ] || kill -9 $left 2>/dev/null
	wait
	umount client 2>/dev/null || umount -f -l client 2>/dev/null
	echo 0 >/proc/fs/nfsd/threads
	for cache in auth.unix.ip nfsd.export nfsd.fh; do
		date +%s >/proc/net/rpc/$cache/flush
	done
	umount server 2>/dev/null
}

ip link set lo up
[ -e /proc/fs/nfsd/threads ] || mount -t nfsd nfsd /proc/fs/nfsd || skip "no /proc/fs/nfsd"
trap unserve EXIT
mount -t tmpfs -o size=256m server server || exit 1
never=2147483647
# insecure ports, no authentication of lock requests, no subtree check, an fsid: 0, the root
flags=$((0x2 | 0x800 | 0x400 | 0x2000))
printf 'nfsd 127.0.0.1 %s lab\n' $never >/proc/net/rpc/auth.unix.ip/channel
printf 'lab %s %s %s 65534 65534 0\n' "$PWD/server" $never $flags >/proc/net/rpc/nfsd.export/channel
printf 'lab 1 \\x00000000 %s %s\n' $never "$PWD/server" >/proc/net/rpc/nfsd.fh/channel
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
# the older versions want rpcbind
echo -2 -3 +4 +4.2 >/proc/fs/nfsd/versions
echo 'tcp 2049' >/proc/fs/nfsd/portlist
echo 2 >/proc/fs/nfsd/threads
echo Y >/proc/fs/nfsd/v4_end_grace 2>/dev/null
timeout $word_s mount -i -t nfs4 \
	-o vers=4.2,sec=sys,addr=127.0.0.1,clientaddr=127.0.0.1 127.0.0.1:/ client
check $? "the lab's NFS is mounted"
mountpoint -q client || finish

cp --sparse=always "${SMALL_IMAGE:?}" client/disk.img
check $? "an image is on it"

# refused WHAT PATTERN ARGUMENTS...
refused()
{
	local what=$1 pattern=$2 status
	shift 2
	timeout $word_s "$HVRUN" -m 64 -display none "$@" >out.log 2>err.log </dev/null
	status=$?
	[ $status = 1 ] && [ "$(wc -l <err.log)" = 1 ]
	check $? "$what: one line, status $status"
	grep -qE -e "$pattern" err.log
	check $? "$what: $(head -n 1 err.log)"
}

# hold ARGUMENTS...: a VM that has the image until release
hold()
{
	"$HVRUN" -m 64 -S -display none -qmp unix:qmp,server=on,wait=off "$@" \
		>holder.log 2>&1 </dev/null &
	holder=$!
	until_true $word_s test -S qmp
	check $? "a VM starts: $*"
}

release()
{
	kill -9 "$holder"
	wait "$holder" 2>/dev/null
	rm -f qmp
}

# A server that has just come up lets nobody lock for a while.
until_true $word_s flock -n client/disk.img true
check $? "the server gives locks"

hold -hda client/disk.img
refused "a second writer" "in use by process $holder \(hvrun\)" -hda client/disk.img
refused "a reader" "in use by process $holder \(hvrun\)" \
	-drive file=client/disk.img,format=raw,readonly=on,if=ide,media=cdrom
refused "a writer on the server" "in use by another process" \
	-hda server/disk.img
release

hold -hda server/disk.img
refused "a writer, the server has it" "in use by another process, perhaps on another machine" \
	-hda client/disk.img
release

hold -cdrom client/disk.img
refused "a writer beside a reader" "in use by process $holder \(hvrun\)" -hda client/disk.img
"$HVRUN" -m 64 -S -display none -cdrom client/disk.img -qmp unix:qmp2,server=on,wait=off \
	>two.log 2>&1 </dev/null &
second=$!
until_true $word_s test -S qmp2
check $? "two readers are welcome"
kill -9 $second
wait $second 2>/dev/null
release

timeout $boot_s "$HVRUN" -m 256 -nographic -hda client/disk.img >boot.log 2>&1 </dev/null
check $? "a guest boots from it and ends with status 0, when all are gone"
grep -aq "job: ok" boot.log
check $? "and is content with its disk"
finish
