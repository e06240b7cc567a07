# SPDX-License-Identifier: GPL-2.0-only
# The package kvdemo-dkms from its first installation to its purge. A package of one line
# of C stands for the version before.
. ./lib.sh

export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
cd /src || exit
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
# by their paths, because busybox has some of its own
dpkg=/usr/bin/dpkg
dpkg_deb=/usr/bin/dpkg-deb
deb=$(echo /src/deb/*.deb)
version=$($dpkg_deb -f "$deb" Version)

# The command succeeds, or its last lines tell why not.
quiet()
{
	"$@" >/tmp/out 2>&1 && return
	tail -n 20 /tmp/out | sed 's/^/# /'
	return 1
}

# installed VERSION: for this kernel
installed()
{
	[ "$(find /lib/modules -name 'kvdemo.ko*' -exec modinfo -F version {} +)" = "$1" ] ||
		{ find /lib/modules -name 'kvdemo*' | sed 's/^/# /'; return 1; }
}

# older DIR: the package of version 0.0.1
older()
{
	$dpkg_deb -R "$deb" "$1"
	rm -r "$1/usr/src"/*/*/ "$1/DEBIAN/md5sums"
	mv "$1/usr/src"/* "$1/usr/src/kvdemo-0.0.1"
	sed -i "s/$version/0.0.1/" "$1"/DEBIAN/*
	(
		cd "$1/usr/src/kvdemo-0.0.1" || exit
		rm ./*.[ch]
		printf '%s\n' 'PACKAGE_NAME="kvdemo"' 'PACKAGE_VERSION="0.0.1"' 'AUTOINSTALL="yes"' \
			'BUILT_MODULE_NAME="kvdemo"' 'DEST_MODULE_LOCATION="/updates/dkms"' >dkms.conf
		echo 'obj-m := kvdemo.o' >Kbuild
		printf '#include <linux/module.h>\n%s\n' 'MODULE_DESCRIPTION("one line");' \
			'MODULE_VERSION("0.0.1");' 'MODULE_LICENSE("GPL");' >kvdemo.c
	)
	quiet $dpkg_deb --build "$1" /tmp/older.deb
}

refuses_a_copy()
{
	mkdir /usr/src/kvdemo-0.0.2
	! $dpkg -i "$deb" >/tmp/out 2>&1 &&
		grep -q '^kvdemo-dkms: /usr/src/kvdemo-0.0.2 belongs to no package.*make dkms-remove' /tmp/out &&
		rmdir /usr/src/kvdemo-0.0.2
}

installs()
{
	older /tmp/older && quiet apt-get -y install /tmp/older.deb && installed 0.0.1
}

# 50-dkms shows DKMS build for another kernel what has this line in its dkms.conf.
upgrades()
{
	quiet apt-get -y install "$deb" && installed "$version" && [ ! -e /usr/src/kvdemo-0.0.1 ] &&
		! dkms status | grep -F 0.0.1 && grep -qx 'AUTOINSTALL="yes"' "/usr/src/kvdemo-$version/dkms.conf"
}

logs()
{
	mark
	modprobe kvdemo sizes=64K && has '^kvdemo: alloc size=65536 ' && rmmod kvdemo
}

left()
{
	find /lib/modules /usr/src /var/lib/dkms /usr/share/doc -name '*kvdemo*' | sed 's/^/# left: /'
}

purges()
{
	quiet apt-get -y purge kvdemo-dkms || return
	left
	[ -z "$(left)" ]
}

try 'the package is not installed beside a copy that make dkms-install left' refuses_a_copy
try 'apt installs it, and DKMS builds it for this kernel' installs
try 'apt upgrades it, and the version before is gone' upgrades
try 'modprobe loads it, and it logs' logs
try 'a purge leaves nothing' purges
