// SPDX-License-Identifier: GPL-2.0-only
/*
 * eat KIB: take memory until no more than KIB are available (swap that is free
 * counts), say so, and keep eating what comes free.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STEP	(256ul << 10)

/* MemAvailable and SwapFree together */
static long available(void)
{
	static char info[4096];
	int fd = open("/proc/meminfo", O_RDONLY);
	const char *mem, *swap;
	ssize_t len;

	len = read(fd, info, sizeof(info) - 1);
	close(fd);
	info[len > 0 ? len : 0] = '\0';
	mem = strstr(info, "MemAvailable:");
	swap = strstr(info, "SwapFree:");
	if (!mem || !swap)
		exit(1);
	return atol(mem + strlen("MemAvailable:")) + atol(swap + strlen("SwapFree:"));
}

int main(int argc, char **argv)
{
	long left = argc == 2 ? atol(argv[1]) : 0;
	unsigned long eaten = 0;
	int told = 0;
	char *p;

	if (!left)
		return 2;
	for (;;) {
		if (available() <= left + (long)(STEP >> 10)) {
			if (!told++) {
				printf("# eaten %lu KiB, %ld KiB are left\n",
				       eaten >> 10, available());
				fflush(stdout);
			}
			/* A process that got nothing only waits to be killed. */
			if (!eaten)
				pause();
			usleep(20000);
			continue;
		}
		p = mmap(NULL, STEP, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (p == MAP_FAILED)
			return 1;
		memset(p, 0xa5, STEP);
		eaten += STEP;
	}
}
