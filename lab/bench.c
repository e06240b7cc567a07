// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_bench.ko, and read what each policy costs in
 * /sys/kernel/debug/kvdemo_bench/csv, which waits for the end of the run.
 *
 * A row is one cell: one policy, one size and one pattern. The console says how far
 * the run is.
 *
 * Each policy changes the memory that the next one finds. Where that matters, run
 * each cell from the same restored state, as scripts/bench/run does. memory= says
 * what the state has to be; a cell that finds another state is void.
 *
 * A write to .../kvdemo_bench/stop ends the run at the next sample, and so does
 * rmmod, which the kernel refuses while csv or stop is open.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/utsname.h>

#include "bench.h"
#include "demo/param.h"

#define MAX_SIZES	48
#define AFTER_LOAD_MS	200

static int bench_err;

/* The columns of a row that are words */
enum word { WORD_KERNEL, WORD_POLICY, WORD_PATTERN, WORD_MEMORY, WORD_VERDICT, NR_WORDS };

static const char * const word_columns[NR_WORDS] = {
	"kernel", "policy", "pattern", "memory", "verdict",
};

static const char * const number_columns[NR_NUMBERS] = {
	"size", "rep", "n", "asked", "pause_us", "account", "local_node",
	"none", "slab", "pages", "vmalloc",
	"alloc_mean", "alloc_p50", "alloc_p90", "alloc_p99", "alloc_max",
	"pair_mean", "pair_p50", "pair_p90", "pair_p99", "pair_max",
	"compact_stall", "allocstall", "wakeups",
	"kept", "soaked", "empty", "init_on_alloc", "debug",
};

struct row {
	struct list_head list;
	const char *words[NR_WORDS];
	u64 numbers[NR_NUMBERS];
};

static const char * const patterns[NR_PATTERNS] = {
	[PATTERN_LOOP] = "loop",
	[PATTERN_HOLD] = "hold",
	[PATTERN_RANDOM] = "random",
};

static const char * const memories[NR_MEMORIES] = {
	[MEMORY_IDLE] = "idle",
	[MEMORY_UNMOVABLE] = "unmovable",
	[MEMORY_MOVABLE] = "movable",
	[MEMORY_LOWER] = "lower",
};

static struct {
	size_t sizes[MAX_SIZES];
	unsigned int nr_sizes;
	unsigned long policies, patterns;
	enum bench_memory memory;
	bool stop, counts_wakeups;
	unsigned int cells, cell;
	struct list_head rows;
	struct completion done;
	struct task_struct *task;
	struct dentry *dir;
} bench = {
	.policies = BIT(KVDEMO_NR_POLICIES) - 1,
	.patterns = BIT(PATTERN_LOOP),
	.rows = LIST_HEAD_INIT(bench.rows),
	.done = COMPLETION_INITIALIZER(bench.done),
};

/* Parameters */

static struct param_number n = { .max = 100000, .err = &bench_err };
module_param_cb(n, &param_number_ops, &n, 0400);
MODULE_PARM_DESC(n, "samples of a cell; default 0: 256 MiB / size, 32 to 1000, and with hold no more than fit");

static struct param_number pause_us = { .max = 1000000, .err = &bench_err };
module_param_cb(pause_us, &param_number_ops, &pause_us, 0400);
MODULE_PARM_DESC(pause_us, "sleep between two allocations in us, default 0");

static struct param_number account = { .max = 1, .err = &bench_err };
module_param_cb(account, &param_number_ops, &account, 0400);
MODULE_PARM_DESC(account, "1: all requests have __GFP_ACCOUNT");

static struct param_number local_node = { .max = 1, .err = &bench_err };
module_param_cb(local_node, &param_number_ops, &local_node, 0400);
MODULE_PARM_DESC(local_node, "1: all requests name the node of their CPU");

static struct param_number reps = { .value = 1, .min = 1, .max = 1000, .err = &bench_err };
module_param_cb(reps, &param_number_ops, &reps, 0400);
MODULE_PARM_DESC(reps, "repetitions of the table, each begins with another policy");

/* Calls @take for each word of a list; @take returns false for a word not allowed. */
static int parse_words(const char *val, const struct kernel_param *kp,
		       const char *allowed, bool (*take)(const char *word))
{
	char *copy = kstrdup(val ?: "", GFP_KERNEL), *rest = copy, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ",")))
		if (!take(word))
			err = -EINVAL;
	kfree(copy);
	return err ? param_refuse(kp->name, val, allowed, &bench_err, err) : 0;
}

static bool take_size(const char *word)
{
	u64 size;

	if (bench.nr_sizes == MAX_SIZES ||
	    param_parse_size(word, strlen(word), INT_MAX, &size) || !size)
		return false;
	bench.sizes[bench.nr_sizes++] = size;
	return true;
}

static int sizes_set(const char *val, const struct kernel_param *kp)
{
	bench.nr_sizes = 0;
	return parse_words(val, kp, "1 to 48 sizes up to INT_MAX, as in 16K,1M", take_size);
}

static bool take_policy(const char *word)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(word);

	if (policy)
		bench.policies |= BIT(policy - kvdemo_policies);
	return policy;
}

static int policies_set(const char *val, const struct kernel_param *kp)
{
	bench.policies = 0;
	return parse_words(val, kp, "names of policies joined by a comma", take_policy);
}

static bool take_pattern(const char *word)
{
	int i = match_string(patterns, NR_PATTERNS, word);

	if (i >= 0)
		bench.patterns |= BIT(i);
	return i >= 0;
}

static int patterns_set(const char *val, const struct kernel_param *kp)
{
	bench.patterns = 0;
	return parse_words(val, kp, "loop, hold, random", take_pattern);
}

static int memory_set(const char *val, const struct kernel_param *kp)
{
	int i = match_string(memories, NR_MEMORIES, val ?: "");

	if (i < 0)
		return param_refuse(kp->name, val, "idle, unmovable, movable, lower", &bench_err,
				    -EINVAL);
	bench.memory = i;
	return 0;
}

static const struct kernel_param_ops sizes_ops = PARAM_OPS(sizes_set);
module_param_cb(sizes, &sizes_ops, NULL, 0);
MODULE_PARM_DESC(sizes, "sizes as in 16K,1M; default: powers of two, a byte above each boundary, and what XFS was seen to ask for");

static const struct kernel_param_ops policies_ops = PARAM_OPS(policies_set);
module_param_cb(policies, &policies_ops, NULL, 0);
MODULE_PARM_DESC(policies, "names joined by a comma, default all six");

static const struct kernel_param_ops patterns_ops = PARAM_OPS(patterns_set);
module_param_cb(patterns, &patterns_ops, NULL, 0);
MODULE_PARM_DESC(patterns, "of loop, hold and random, default loop");

static const struct kernel_param_ops memory_ops = PARAM_OPS(memory_set);
module_param_cb(memory, &memory_ops, NULL, 0);
MODULE_PARM_DESC(memory, "idle (default), unmovable, movable or lower: a cell that finds another state is void");

static void default_sizes(void)
{
	static const size_t others[] = {
		PAGE_SIZE + 1, KMALLOC_MAX_CACHE_SIZE + 1,
		(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER) + 1, KMALLOC_MAX_SIZE + 1,
		/* XFS was seen to ask for 18 to 256 pages. */
		72 * SZ_1K, 144 * SZ_1K, 288 * SZ_1K, 576 * SZ_1K,
	};
	size_t size;

	for (size = SZ_1K; size <= SZ_16M; size *= 2)
		bench.sizes[bench.nr_sizes++] = size;
	memcpy(bench.sizes + bench.nr_sizes, others, sizeof(others));
	bench.nr_sizes += ARRAY_SIZE(others);
}

/* The table */

static bool is_debug_kernel(void)
{
	return IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN) ||
	       IS_ENABLED(CONFIG_PROVE_LOCKING) || IS_ENABLED(CONFIG_DEBUG_VM) ||
	       IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || IS_ENABLED(CONFIG_SLUB_DEBUG_ON) ||
	       IS_ENABLED(CONFIG_DEBUG_PREEMPT) || IS_ENABLED(CONFIG_KMSAN);
}

static void fill_row(struct row *row, const struct bench_cell *cell, unsigned int rep)
{
	row->words[WORD_KERNEL] = init_utsname()->release;
	row->words[WORD_POLICY] = cell->policy->name;
	row->words[WORD_PATTERN] = patterns[cell->pattern];
	row->words[WORD_MEMORY] = memories[cell->memory];
	row->numbers[NUM_SIZE] = cell->size;
	row->numbers[NUM_REP] = rep;
	row->numbers[NUM_PAUSE_US] = cell->pause_us;
	row->numbers[NUM_ACCOUNT] = cell->account;
	row->numbers[NUM_LOCAL_NODE] = cell->local_node;
	row->numbers[NUM_INIT_ON_ALLOC] = want_init_on_alloc(0);
	row->numbers[NUM_DEBUG] = is_debug_kernel();
	row->words[WORD_VERDICT] = bench_run_cell(cell, row->numbers);
}

static int add_row(const struct bench_cell *cell, unsigned int rep)
{
	struct row *row = kzalloc(sizeof(*row), GFP_KERNEL);

	if (!row)
		return -ENOMEM;
	pr_info("progress cell=%u of=%u policy=%s size=%zu pattern=%s\n", ++bench.cell,
		bench.cells, cell->policy->name, cell->size, patterns[cell->pattern]);
	fill_row(row, cell, rep);
	list_add_tail(&row->list, &bench.rows);
	return READ_ONCE(bench.stop) ? -EINTR : 0;
}

static const struct kvdemo_policy *nth_policy(unsigned int n)
{
	unsigned int id;

	for_each_set_bit(id, &bench.policies, KVDEMO_NR_POLICIES)
		if (!n--)
			break;
	return &kvdemo_policies[id];
}

/* Each repetition begins with another policy, for machines without a restored state. */
static int run_policies(enum bench_pattern pattern, size_t size, unsigned int rep)
{
	unsigned int i, nr = hweight_long(bench.policies);
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		const struct bench_cell cell = {
			.policy = nth_policy((i + rep) % nr),
			.pattern = pattern,
			.memory = bench.memory,
			.size = size,
			.n = n.value,
			.pause_us = pause_us.value,
			.account = account.value,
			.local_node = local_node.value,
			.stop = &bench.stop,
		};

		err = add_row(&cell, rep);
	}
	return err;
}

static void run_table(void)
{
	unsigned int rep, i, pattern;

	for (rep = 0; rep < reps.value; rep++)
		for (i = 0; i < bench.nr_sizes; i++)
			for (pattern = 0; pattern < NR_PATTERNS; pattern++)
				if (bench.patterns & BIT(pattern) &&
				    run_policies(pattern, bench.sizes[i], rep))
					return;
}

static int bench_fn(void *unused)
{
	/*
	 * The kernel does part of insmod's work later: it took 700000 instructions of
	 * a cell of 9 million. With movable memory there is no wait, because
	 * kcompactd would undo the fragmentation meanwhile.
	 */
	if (bench.memory != MEMORY_MOVABLE)
		msleep(AFTER_LOAD_MS);
	run_table();
	pr_info("end cells=%u of=%u%s\n", bench.cell, bench.cells,
		READ_ONCE(bench.stop) ? " stopped" : "");
	complete_all(&bench.done);
	return 0;
}

/* The files */

static int csv_show(struct seq_file *m, void *unused)
{
	struct row *row;
	int i, err;

	err = wait_for_completion_interruptible(&bench.done);
	if (err)
		return err;
	for (i = 0; i < NR_WORDS; i++)
		seq_printf(m, "%s%s", i ? "," : "", word_columns[i]);
	for (i = 0; i < NR_NUMBERS; i++)
		seq_printf(m, ",%s", number_columns[i]);
	list_for_each_entry(row, &bench.rows, list) {
		seq_putc(m, '\n');
		for (i = 0; i < NR_WORDS; i++)
			seq_printf(m, "%s%s", i ? "," : "", row->words[i]);
		for (i = 0; i < NR_NUMBERS; i++) {
			if (i == NUM_EVENT + EVENT_WAKEUP && !bench.counts_wakeups)
				seq_puts(m, ",-");
			else
				seq_printf(m, ",%llu", row->numbers[i]);
		}
	}
	seq_putc(m, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(csv);

static ssize_t stop_write(struct file *file, const char __user *buf, size_t len, loff_t *at)
{
	WRITE_ONCE(bench.stop, true);
	return len;
}

static const struct file_operations stop_fops = {
	.owner = THIS_MODULE,
	.write = stop_write,
};

static int __init kvdemo_bench_init(void)
{
	if (bench_err)
		return bench_err;
	if (!bench.nr_sizes)
		default_sizes();
	bench.cells = reps.value * bench.nr_sizes * hweight_long(bench.policies) *
		      hweight_long(bench.patterns);
	if (is_debug_kernel())
		pr_warn("a debug kernel (debug=1): the figures hold for no other kernel\n");
	bench.task = kthread_create(bench_fn, NULL, "kvdemo_bench");
	if (IS_ERR(bench.task))
		return PTR_ERR(bench.task);
	/* Held, because kthread_stop() may come after its end. */
	get_task_struct(bench.task);
	bench.counts_wakeups = bench_count_wakeups(true);
	if (!bench.counts_wakeups)
		pr_warn("this kernel has no tracepoint for wake-ups of kcompactd: they are not counted\n");
	/* Bound to a CPU, because a migration would count in a sample. */
	cpus_read_lock();
	kthread_bind(bench.task, raw_smp_processor_id());
	cpus_read_unlock();
	bench.dir = debugfs_create_dir("kvdemo_bench", NULL);
	/* Under lockdown a file that can be written cannot be read. */
	debugfs_create_file("csv", 0400, bench.dir, NULL, &csv_fops);
	debugfs_create_file("stop", 0200, bench.dir, NULL, &stop_fops);
	wake_up_process(bench.task);
	return 0;
}

static void __exit kvdemo_bench_exit(void)
{
	struct row *row, *next;

	WRITE_ONCE(bench.stop, true);
	kthread_stop(bench.task);
	put_task_struct(bench.task);
	if (bench.counts_wakeups)
		bench_count_wakeups(false);
	debugfs_remove_recursive(bench.dir);
	list_for_each_entry_safe(row, next, &bench.rows, list) {
		list_del(&row->list);
		kfree(row);
	}
}

module_init(kvdemo_bench_init);
module_exit(kvdemo_bench_exit);

MODULE_DESCRIPTION("Prices each kvmalloc policy by size and pattern");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
