// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random and mutated text, from a seed that the caller prints:
 *
 * fuzz write SEED COUNT FILE...
 *	COUNT writes spread over the FILEs, some read back in pieces
 * fuzz load SEED COUNT MODULE.ko NAME
 *	COUNT loads with random parameters; unloaded after each success
 *
 * Each input must be accepted, or refused with one of good_errors. The host judges the
 * log. The module's cap keeps requests small, and the buffers are freed now and then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LONGEST		65536
#define NR(array)	(sizeof(array) / sizeof(*(array)))

/* Words, and lines that are valid */
static const char * const words[] = {
	"size=", "sizes=", "policy=", "node=", "count=", "zero=", "gfp=", "hold=",
	"cap=", "force_fallback=", "noretry", "noreclaim", "backoff", "native",
	"kmalloc", "vmalloc", "all", "0", "1", "-1", "64K", "1M", "4M", "4097",
	"4194305", "1G", "2147483648", "18446744073709551615", "0x10", "K", "GFP_KERNEL",
	"GFP_KERNEL_ACCOUNT", "__GFP_ZERO", "__GFP_NOWARN", "__GFP_RETRY_MAYFAIL", "|",
	",", " ", "=", "\n", "\t", "\"", "%s", "%n", "[noretry]", "Y", "N", "on",
	"off", "free", "#1", "id=", "id=1", "2", "3",
	"size=64K policy=backoff node=0 count=8 zero=1", "size=1 count=9",
	"size=5M policy=vmalloc", "sizes=1K,64K policy=noreclaim hold=1 count=3",
	"sizes=0 zero=1", "gfp=GFP_KERNEL|__GFP_ZERO sizes=100",
};

/* EACCES, EPERM: files that cannot be opened in this mode. ENOENT: a parameter's name. */
static const int good_errors[] = { EINVAL, ERANGE, ENOMEM, EACCES, EPERM, ENOENT };

static unsigned long long state;
static unsigned long taken, refused, bad;
static char text[LONGEST + 64];

static unsigned int below(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % n;
}

/* One in eight is noise. Of the others, half are changed at up to three bytes. */
static size_t make_text(void)
{
	size_t len = 0, at, cut, add, n = below(20) ? below(200) : below(LONGEST);

	if (!below(8)) {
		while (len < n)
			text[len++] = below(256);
		return len;
	}
	for (n = 1 + below(2) * below(6); n; n--)
		len += sprintf(text + len, "%s%s", words[below(NR(words))], below(3) ? "" : " ");
	for (n = below(2) * below(4); n && len; n--) {
		at = below(len);
		cut = below(2);
		add = below(2);
		memmove(text + at + add, text + at + cut, len - at - cut);
		if (add)
			text[at] = below(256);
		len += add - cut;
	}
	return len;
}

/* A count of hundreds would take long, and show nothing that nine do not. */
static void shorten_count(size_t len)
{
	char *count = text;

	text[len] = '\0';
	while ((count = strstr(count, "count="))) {
		count += strlen("count=");
		if (strspn(count, "0123456789") > 1)
			count[1] = ' ';
	}
}

static void answered(int failed)
{
	size_t i;

	if (!failed) {
		taken++;
		return;
	}
	refused++;
	for (i = 0; i < NR(good_errors); i++)
		if (errno == good_errors[i])
			return;
	if (bad++ < 10)
		printf("# a bad answer: %s\n", strerror(errno));
}

static void read_some(const char *file)
{
	static char out[4096];
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	lseek(fd, below(2) ? 0 : below(10000), SEEK_SET);
	while (read(fd, out, 1 + below(sizeof(out))) > 0 && below(8))
		;
	close(fd);
}

static void write_one(const char *file)
{
	size_t len = make_text(), part = len;
	int fd = open(file, O_WRONLY | O_CLOEXEC | (below(8) ? 0 : O_APPEND));

	shorten_count(len);
	if (fd < 0) {
		answered(1);
		read_some(file);
		return;
	}
	if (!below(8) && len)
		part = below(len);
	answered(write(fd, text, part) < 0);
	if (part < len)
		answered(write(fd, text + part, len - part) < 0);
	close(fd);
	if (!below(16))
		read_some(file);
}

/* With a small cap first, because the default sizes take a while. */
static void load_one(const char *module, const char *name)
{
	static char parameters[sizeof(text) + 16];
	int fd = open(module, O_RDONLY | O_CLOEXEC), failed;

	shorten_count(make_text());
	snprintf(parameters, sizeof(parameters), "cap=%s %s", below(8) ? "128K" : "16M", text);
	failed = !!syscall(SYS_finit_module, fd, parameters, 0);
	answered(failed);
	if (!failed && syscall(SYS_delete_module, name, O_NONBLOCK)) {
		printf("# cannot unload: %s\n", strerror(errno));
		bad++;
	}
	close(fd);
}

/* Nothing taken, or nothing refused: so far the fuzzer has hit nothing. */
static int one_kind(void)
{
	return !taken || !refused;
}

int main(int argc, char **argv)
{
	int load = argc > 1 && !strcmp(argv[1], "load");
	unsigned long i, count;

	if (argc < (load ? 6 : 5))
		return 2;
	state = strtoull(argv[2], NULL, 10) | 1ull << 63;
	count = strtoul(argv[3], NULL, 10);
	/* All of ten parameter strings may be accepted, because the kernel ignores most. */
	for (i = 0; i < count || (one_kind() && i < count + 300); i++) {
		if (load)
			load_one(argv[4], argv[5]);
		else
			write_one(argv[4 + below(argc - 4)]);
	}
	printf("# count: inputs=%lu taken=%lu\n", i, taken);
	return bad || one_kind();
}
