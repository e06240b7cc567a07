// SPDX-License-Identifier: GPL-2.0-only
/*
 * calls NAME N: make a system call N times for which the kernel takes 64 KiB by its own
 * kvmalloc, and print the mean price of one in ns. listxattr: the buffer of a list that
 * is empty; sysctl: a read of a file of /proc/sys.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define BYTES	65536

static char buf[BYTES];

static void call_listxattr(void)
{
	/* A file system without attributes answers with an error, and has had the buffer. */
	if (listxattr("/proc/self/status", buf, BYTES) > BYTES)
		exit(1);
}

static void call_sysctl(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/proc/sys/kernel/hostname", O_RDONLY);
	if (pread(fd, buf, BYTES - 1, 0) < 0) {
		perror("calls");
		exit(1);
	}
}

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	void (*call)(void);
	long long start;
	int i, n;

	if (argc != 3 || atoi(argv[2]) <= 0)
		return 2;
	call = strcmp(argv[1], "sysctl") ? call_listxattr : call_sysctl;
	n = atoi(argv[2]);
	call();
	start = now();
	for (i = 0; i < n; i++)
		call();
	printf("%lld\n", (now() - start) / n);
	return 0;
}
