# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# A shell for a person, on the console.
exec </dev/console >/dev/console 2>&1
insmod /kvdemo.ko
cat <<'END'

kvdemo is loaded: dmesg says what it found, /sys/kernel/debug/kvdemo takes orders.
The other modules lie in /. exit, or Ctrl-A X, ends the guest.

END
cd /sys/kernel/debug/kvdemo || exit
setsid cttyhack sh
