// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run-time control: /sys/kernel/debug/kvdemo, for root only. A file is either read or
 * written, because under lockdown debugfs refuses every file with write permission,
 * even to readers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "demo.h"
#include "param.h"

/* Enough for all keys with one size each. A list of 32 long sizes does not fit. */
#define LINE_LEN	256

static struct dentry *dir;
static const struct kvdemo_policy *active;

/* alloc: "64K", or "size=64K policy=backoff node=0 count=8 zero=1" */
#define ALLOC_ALLOWED \
	"a size, as in 64K, and any of size=, policy=, node=, gfp=, count=, zero=, force_fallback="

static int parse_alloc(struct kvdemo_ask *ask, char *line)
{
	size_t len = strlen(line);
	char shown[LINE_LEN / 2]; /* longer than the part that the log shows */
	char *key, *val;
	int err = 0;

	strscpy(shown, line, sizeof(shown)); /* before it is cut into words */
	while (!err && (val = strsep(&line, " \t"))) {
		if (!*val)
			continue;
		key = strsep(&val, "=");
		/* A word without a value is a switch if it names a key, otherwise the size. */
		if (val || kvdemo_ask_is_key(ask, key))
			err = kvdemo_ask_set(ask, key, val);
		else
			err = kvdemo_ask_set(ask, "size", key);
	}
	if (!err && !ask->nr_items) {
		err = -EINVAL;
		param_say_bad("alloc", shown, len, err, ALLOC_ALLOWED);
	}
	return err ?: kvdemo_ask_finish(ask);
}

static int do_alloc(char *line)
{
	struct kvdemo_ask ask = {
		.rq = {
			.gfp = GFP_KERNEL,
			.node = NUMA_NO_NODE,
			.policy = active,
		},
		.count = 1,
		.hold = true,
		.cap = kvdemo_demo.cap,
		.cap_is_default = kvdemo_demo.cap_is_default,
	};
	int err = parse_alloc(&ask, line);

	if (err)
		return err;
	return kvdemo_fits(&ask) ? kvdemo_run(&ask) : -ENOMEM;
}

static int do_free(char *line)
{
	unsigned long id;
	int err;

	if (!strcmp(line, "all")) {
		kvdemo_give_back_all();
		return 0;
	}
	err = -EINVAL;
	if (param_is_number(line) && !kstrtoul(line, 10, &id))
		err = kvdemo_give_back_id(id);
	if (err)
		param_say_bad("free", line, strlen(line), err, "all, or an id of the file held");
	return err;
}

static int do_policy(char *line)
{
	struct kvdemo_ask ask = { };
	int err = kvdemo_ask_set(&ask, "policy", line);

	if (!err)
		WRITE_ONCE(active, ask.rq.policy);
	return err;
}

/* Write-only files: each write is one whole line. */
static const struct command {
	const char *name;
	int (*act)(char *line);
} commands[] = {
	{ "alloc", do_alloc },
	{ "free", do_free },
	{ "policy", do_policy },
};

/* Cuts the newline off @line, which holds the first @n of the @size bytes written. */
static int whole_line(const char *name, char *line, size_t n, size_t size)
{
	if (n && n == size && line[n - 1] == '\n')
		n--;
	line[n] = '\0';
	if (n <= LINE_LEN && !memchr(line, '\0', n) && !memchr(line, '\n', n))
		return 0;
	param_say_bad(name, line, n, -EINVAL,
		      "one line of at most " __stringify(LINE_LEN) " characters");
	return -EINVAL;
}

static ssize_t command_write(struct file *file, const char __user *from,
			     size_t size, loff_t *pos)
{
	const struct command *command = file_inode(file)->i_private;
	/* the newline does not count */
	size_t len = min_t(size_t, size, LINE_LEN + 1);
	char line[LINE_LEN + 2];
	int err;

	if (copy_from_user(line, from, len))
		return -EFAULT;
	err = whole_line(command->name, line, len, size);
	if (err)
		return err;
	/* Killable: the holder may be busy for seconds. */
	if (mutex_lock_killable(&kvdemo_lock))
		return -EINTR;
	err = command->act(line);
	mutex_unlock(&kvdemo_lock);
	return err ?: size;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = command_write,
	.llseek = noop_llseek,
};

/* Read-only files */

static int policies_show(struct seq_file *seq, void *unused)
{
	const struct kvdemo_policy *now = READ_ONCE(active);
	int i;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++)
		seq_printf(seq, now == &kvdemo_policies[i] ? "%s[%s]" : "%s%s",
			   i ? " " : "", kvdemo_policies[i].name);
	seq_putc(seq, '\n');
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(policies);

static void *held_start(struct seq_file *seq, loff_t *pos)
{
	if (mutex_lock_killable(&kvdemo_lock))
		return ERR_PTR(-EINTR);
	return seq_list_start_head(&kvdemo_held, *pos);
}

static void *held_next(struct seq_file *seq, void *at, loff_t *pos)
{
	return seq_list_next(at, &kvdemo_held, pos);
}

static void held_stop(struct seq_file *seq, void *at)
{
	if (!IS_ERR(at))
		mutex_unlock(&kvdemo_lock);
}

static int held_show(struct seq_file *seq, void *at)
{
	const struct kvdemo_buf *buf = list_entry(at, struct kvdemo_buf, list);
	char order[24], kmalloc_ns[24], vmalloc_ns[24];

	if (at == &kvdemo_held) {
		seq_puts(seq, "      id       size  policy     path     why             order   pages    runs    kmalloc_ns    vmalloc_ns      total_ns  nodes\n");
		return 0;
	}
	seq_printf(seq, "%8lu %10zu  %-9s  %-7s  %-14s  %5s  %6lu  %6lu  %12s  %12s  %12lld  %*pbl\n",
		   buf->id, buf->rq.size, buf->rq.policy->name,
		   kvdemo_path_name(buf->res.path),
		   kvdemo_why_name(buf->res.why),
		   kvdemo_or_dash(order, sizeof(order),
				  kvdemo_order_of(&buf->layout)),
		   buf->layout.pages, buf->layout.runs,
		   kvdemo_or_dash(kmalloc_ns, sizeof(kmalloc_ns),
				  buf->res.kmalloc_ns),
		   kvdemo_or_dash(vmalloc_ns, sizeof(vmalloc_ns),
				  buf->res.vmalloc_ns),
		   buf->total_ns, nodemask_pr_args(&buf->layout.nodes));
	return 0;
}

static const struct seq_operations held_sops = {
	.start = held_start,
	.next = held_next,
	.stop = held_stop,
	.show = held_show,
};

DEFINE_SEQ_ATTRIBUTE(held);

/**
 * kvdemo_debugfs_dir() - kvdemo's directory, so that other modules can add files
 *
 * Context: any, while the caller keeps kvdemo.ko loaded.
 * Return: the directory; an error pointer if there is no debugfs, with which the functions
 * of debugfs do nothing.
 */
struct dentry *kvdemo_debugfs_dir(void)
{
	return dir;
}
EXPORT_SYMBOL_GPL(kvdemo_debugfs_dir);

static void create_files(struct work_struct *unused)
{
	int i;

	active = kvdemo_demo.rq.policy;
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		debugfs_create_file(commands[i].name, 0200, dir,
				    (void *)&commands[i], &command_fops);
	debugfs_create_file("held", 0400, dir, NULL, &held_fops);
	debugfs_create_file("policies", 0400, dir, NULL, &policies_fops);
}

static DECLARE_WORK(files_work, create_files);

/**
 * kvdemo_debugfs_init() - create the files
 *
 * The load parameters stay in force: cap= until rmmod, policy= until another is written.
 * Without cap= one write may take at most half of what is available at that moment.
 *
 * A file that is open when init fails would outlive the module. So this is called when
 * nothing can fail any more. By then the demo may have left its memory cgroup without a
 * page. A worker creates the files, because its memory is charged to no cgroup.
 *
 * Context: process context, may sleep. Without debugfs there are no files, and the module
 * does the rest of its work.
 */
void kvdemo_debugfs_init(void)
{
	schedule_work(&files_work);
	flush_work(&files_work);
}

/**
 * kvdemo_debugfs_exit() - remove the files
 *
 * Context: process context, waits for readers and writers to finish; kvdemo_lock is not
 * held.
 */
void kvdemo_debugfs_exit(void)
{
	debugfs_remove(dir);
}
