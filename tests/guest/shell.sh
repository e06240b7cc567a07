# SPDX-License-Identifier: GPL-2.0-only
# A shell for a person, on the console.
exec </dev/console >/dev/console 2>&1
insmod /kvdemo.ko
cat <<'END'

kvdemo is loaded: dmesg shows its log, /sys/kernel/debug/kvdemo accepts commands. The
other modules are in /. Typing exit, or Ctrl-A X, ends the guest.

END
cd /sys/kernel/debug/kvdemo || exit
setsid cttyhack sh
