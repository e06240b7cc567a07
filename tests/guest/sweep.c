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
	int left;	/* allocations before the one that was to fail; > 0: it never came */
	int faults, errors, survived;
} sweep;

static void die(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	exit(1);
}

static void arm(int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(sweep.nth_fd, text, len, 0) != len)
		die("fail-nth");
}

static void disarm(void)
{
	char text[16] = "";

	if (pread(sweep.nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth");
	arm(0);
	sweep.left = atoi(text);
}

/* Read in advance, because a page fault of this process would meet the fault as well. */
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

/* Not finit_module(), which reads the file into a vmalloc that warns when it fails. */
static int load(char **argv, int nth)
{
	static void *image;
	static size_t size;
	int err;

	if (!image)
		image = map_file(argv[0], &size);
	arm(nth);
	err = syscall(SYS_init_module, image, size, argv[2]) ? errno : 0;
	disarm();
	return err;
}

static int unload(char **argv)
{
	return syscall(SYS_delete_module, argv[1], O_NONBLOCK) ? errno : 0;
}

static int write_text(char **argv, int nth)
{
	int fd = open(argv[0], O_WRONLY | O_CLOEXEC), err;

	if (fd < 0)
		die(argv[0]);
	arm(nth);
	err = write(fd, argv[1], strlen(argv[1])) < 0 ? errno : 0;
	disarm();
	close(fd);
	return err;
}

static int undo_write(char **argv)
{
	int left = sweep.left, err = argv[2] ? write_text(argv + 2, 0) : 0;

	sweep.left = left;
	return err;
}

static int read_file(char **argv, int nth)
{
	static char out[4096];
	ssize_t n;
	int fd, err;

	arm(nth);
	fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	do {
		n = fd < 0 ? -1 : read(fd, out, sizeof(out));
	} while (n > 0);
	err = n < 0 ? errno : 0;
	disarm();
	if (fd >= 0)
		close(fd);
	return err;
}

/* The functions return 0 or an errno. */
static const struct action {
	const char *name;
	int (*act)(char **argv, int nth);
	int (*undo)(char **argv);	/* after each success */
} actions[] = {
	{ "load", load, unload },
	{ "write", write_text, undo_write },
	{ "read", read_file, NULL },
};

/* Acts once, with the allocation @nth failing. Without a fault the action must succeed. */
static bool step(const struct action *action, char **argv, int nth)
{
	int err = action->act(argv, nth);
	bool clean = sweep.left > 0;

	if (err && (clean || err != ENOMEM)) {
		printf("# fault %d%s: %s\n", nth, clean ? ", never reached" : "", strerror(err));
		return false;
	}
	sweep.faults += !clean;
	sweep.errors += !!err;
	sweep.survived += !clean && !err;
	if (err || !action->undo)
		return true;
	err = action->undo(argv);
	if (err)
		printf("# fault %d: undo: %s\n", nth, strerror(err));
	return !err;
}

/* The number of the first of the @last allocations of an action, or -1 */
static int first_of(const struct action *action, char **argv, int last)
{
	int i;

	/* A first time fills caches, which the next finds filled. */
	for (i = 0; i < 2; i++)
		if (!step(action, argv, MAX_FAULTS) || sweep.left <= 0)
			return -1;
	return MAX_FAULTS - sweep.left > last ? MAX_FAULTS - sweep.left - last + 1 : 1;
}

static bool sweep_all(const struct action *action, char **argv, int nth)
{
	for (sweep.left = 0; sweep.left <= 0 && nth < MAX_FAULTS; nth++)
		if (!step(action, argv, nth))
			return false;
	return sweep.left > 0;
}

/* Read in advance, because a page fault of this process would fail again and again. */
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
	const struct action *action = NULL;
	char **args = argv + 2;
	unsigned int i;
	int nth = 1;
	bool good;

	if (argc == 4 && !strcmp(argv[1], "fail"))
		return !!write_failing(argv[2], argv[3]);
	for (i = 0; argc > 2 && i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(argv[1], actions[i].name))
			action = &actions[i];
	if (!action)
		return 2;
	sweep.nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (sweep.nth_fd < 0)
		die("fail-nth");
	if (action->act == load && argc > 5)
		nth = first_of(action, args, atoi(args[3]));
	good = nth > 0 && sweep_all(action, args, nth);
	printf("# count: faults=%d errors=%d survived=%d\n", sweep.faults,
	       sweep.errors, sweep.survived);
	return !good || !sweep.faults;
}
