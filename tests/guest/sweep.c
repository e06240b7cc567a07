// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults aimed at this one process, on a kernel with fault injection:
 *
 * sweep load MODULE.ko NAME PARAMETERS [LAST]
 *	loads it with the 1st, 2nd, ... allocation of the load failing, until a
 *	load gets through untouched; unloads it after each success. LAST: only
 *	about the last so many, because the first are those of the kernel's loader
 * sweep write FILE TEXT [UNDO-FILE UNDO-TEXT]
 *	the same with a write of TEXT; UNDO-TEXT is written after each success
 * sweep read FILE
 *	the same with an open and a read to the end
 * sweep fail FILE TEXT
 *	one write while /proc/self/make-it-fail is set
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More than any load needs; a sweep that gets here would never end. */
#define MAX_FAULTS	5000

static struct {
	int nth_fd;
	int left;	/* allocations that were not reached */
	int faults, errors, survived;
} sweep;

static void die(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	exit(1);
}

static int put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static void arm(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(sweep.nth_fd, text, len, 0) != len)
		die("fail-nth");
}

/* Did the allocation that was to fail never come? */
static bool untouched(void)
{
	char text[16] = "";

	if (pread(sweep.nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth");
	arm(0);
	sweep.left = atoi(text);
	return sweep.left > 0;
}

/* Locked in memory, because a page fault of this process would meet the fault as well. */
static void *map_file(const char *file, size_t *size)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *image;

	if (fd < 0 || fstat(fd, &st))
		die(file);
	*size = st.st_size;
	image = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (image == MAP_FAILED)
		die(file);
	close(fd);
	return image;
}

/*
 * 0 or an errno. Not finit_module(), which reads the file into a vmalloc that
 * warns when it fails.
 */
static int load(void *image, size_t size, const char *parameters, int nth,
		bool *clean)
{
	int err = 0;

	arm(nth);
	if (syscall(SYS_init_module, image, size, parameters))
		err = errno;
	*clean = untouched();
	return err;
}

static int write_armed(const char *file, const char *text, int nth, bool *clean)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		die(file);
	arm(nth);
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	*clean = untouched();
	close(fd);
	return err;
}

/* Counts what one step did. @err of a step that no fault met must be 0. */
static bool counted(int nth, int err, bool clean)
{
	if (clean && err) {
		printf("# untouched, and yet: %s\n", strerror(err));
		return false;
	}
	if (err && err != ENOMEM) {
		printf("# fault %d: %s\n", nth, strerror(err));
		return false;
	}
	sweep.faults += !clean;
	sweep.errors += !!err;
	sweep.survived += !clean && !err;
	return true;
}

static bool load_once(char **argv, void *image, size_t size, int nth, bool *clean)
{
	int err = load(image, size, argv[2], nth, clean);

	if (!counted(nth, err, *clean))
		return false;
	if (!err && syscall(SYS_delete_module, argv[1], O_NONBLOCK)) {
		printf("# fault %d: unload: %s\n", nth, strerror(errno));
		return false;
	}
	return true;
}

static bool sweep_load(char **argv, int argc)
{
	size_t size;
	void *image = map_file(argv[0], &size);
	int i, nth = 1, last = argc == 4 ? atoi(argv[3]) : 0;
	bool clean = false;

	if (last) {
		/* A first load fills caches, which the next finds filled. */
		for (i = 0; i < 2; i++)
			if (!load_once(argv, image, size, MAX_FAULTS, &clean) || !clean)
				return false;
		if (MAX_FAULTS - sweep.left > last)
			nth = MAX_FAULTS - sweep.left - last + 1;
		clean = false;
	}
	for (; !clean && nth < MAX_FAULTS; nth++)
		if (!load_once(argv, image, size, nth, &clean))
			return false;
	return clean;
}

static bool sweep_write(char **argv, int argc)
{
	bool clean = false;
	int nth, err;

	for (nth = 1; !clean && nth < MAX_FAULTS; nth++) {
		err = write_armed(argv[0], argv[1], nth, &clean);
		if (!counted(nth, err, clean))
			return false;
		if (!err && argc == 4 && put(argv[2], argv[3])) {
			printf("# fault %d: no undo\n", nth);
			return false;
		}
	}
	return clean;
}

static int read_armed(const char *file, int nth, bool *clean)
{
	static char out[4096];
	int fd, err = 0;
	ssize_t n = 1;

	arm(nth);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err = errno;
	while (!err && n > 0) {
		n = read(fd, out, sizeof(out));
		if (n < 0)
			err = errno;
	}
	*clean = untouched();
	if (fd >= 0)
		close(fd);
	return err;
}

static bool sweep_read(const char *file)
{
	bool clean = false;
	int nth;

	for (nth = 1; !clean && nth < MAX_FAULTS; nth++)
		if (!counted(nth, read_armed(file, nth, &clean), clean))
			return false;
	return clean;
}

/* Locked in memory, because a page fault of this process would fail again and again. */
static int write_failing(const char *file, const char *text)
{
	int fd, fail_fd, tries = 3, err;

	mlockall(MCL_CURRENT | MCL_FUTURE);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	fail_fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || fail_fd < 0)
		die(file);
	/* The kernel's own copy of the text may be what fails: nothing ran yet. */
	do {
		if (pwrite(fail_fd, "1", 1, 0) != 1)
			die("make-it-fail");
		err = write(fd, text, strlen(text)) < 0 ? errno : 0;
		pwrite(fail_fd, "0", 1, 0);
	} while (err == ENOMEM && --tries);
	if (err)
		printf("# %s: %s\n", text, strerror(err));
	return err;
}

int main(int argc, char **argv)
{
	bool good;

	if (argc == 4 && !strcmp(argv[1], "fail"))
		return !!write_failing(argv[2], argv[3]);
	sweep.nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (sweep.nth_fd < 0)
		die("fail-nth");
	if ((argc == 5 || argc == 6) && !strcmp(argv[1], "load"))
		good = sweep_load(argv + 2, argc - 2);
	else if (argc == 3 && !strcmp(argv[1], "read"))
		good = sweep_read(argv[2]);
	else if ((argc == 4 || argc == 6) && !strcmp(argv[1], "write"))
		good = sweep_write(argv + 2, argc - 2);
	else
		return 2;
	printf("# count: faults=%d errors=%d survived=%d\n", sweep.faults,
	       sweep.errors, sweep.survived);
	return !good || !sweep.faults;
}
