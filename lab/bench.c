// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_bench.ko, then read /sys/kernel/debug/kvdemo_bench/csv. It has the price
 * of one cell, which is one policy, one size and one pattern. The first read measures the
 * cell, in the reader's task. A signal ends the measurement. Later reads print the same row.
 *
 * Each policy changes the memory that the next one finds. Where that matters, measure
 * each cell from the same restored state, as scripts/bench/run does. memory= says
 * what the state has to be; a cell that finds another state is void.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/utsname.h>

#include "bench.h"
#include "demo/param.h"

#define AFTER_LOAD_MS	200

static const char * const number_columns[NR_NUMBERS] = {
	"size", "n", "asked", "pause_us", "account", "local_node",
	"none", "slab", "pages", "vmalloc",
	"alloc_mean", "alloc_p50", "alloc_p90", "alloc_p99", "alloc_max",
	"pair_mean", "pair_p50", "pair_p90", "pair_p99", "pair_max",
	"compact_stall", "allocstall", "wakeups",
	"kept", "soaked", "empty", "init_on_alloc", "debug",
};

static const char * const patterns[NR_PATTERNS] = {
	[PATTERN_LOOP] = "loop",
	[PATTERN_HOLD] = "hold",
};

static const char * const memories[NR_MEMORIES] = {
	[MEMORY_IDLE] = "idle",
	[MEMORY_UNMOVABLE] = "unmovable",
	[MEMORY_MOVABLE] = "movable",
	[MEMORY_LOWER] = "lower",
};

static struct bench_cell cell = {
	.policy = &kvdemo_policies[KVDEMO_NORETRY],
	.size = SZ_64K,
};

static DEFINE_MUTEX(lock); /* of the row */
static const char *verdict; /* NULL: the cell is not measured yet */
static u64 numbers[NR_NUMBERS];

static struct dentry *dir;

/* Parameters */

static int bench_err;

static struct param_number n = { .max = 100000, .err = &bench_err };
module_param_cb(n, &param_number_ops, &n, 0400);
MODULE_PARM_DESC(n, "samples; default 0: 256 MiB / size, 32 to 1000, and with hold no more than fit");

static struct param_number pause_us = { .max = 1000000, .err = &bench_err };
module_param_cb(pause_us, &param_number_ops, &pause_us, 0400);
MODULE_PARM_DESC(pause_us, "sleep between two allocations in us, default 0");

static struct param_number account = { .max = 1, .err = &bench_err };
module_param_cb(account, &param_number_ops, &account, 0400);
MODULE_PARM_DESC(account, "1: all requests have __GFP_ACCOUNT; the reader must be in a memory cgroup");

static struct param_number local_node = { .max = 1, .err = &bench_err };
module_param_cb(local_node, &param_number_ops, &local_node, 0400);
MODULE_PARM_DESC(local_node, "1: all requests name the node of their CPU");

static int size_set(const char *val, const struct kernel_param *kp)
{
	u64 size;

	if (!val || param_parse_size(val, strlen(val), INT_MAX, &size) || !size)
		return param_refuse(kp->name, val, "a size up to INT_MAX, as in 16K", &bench_err,
				    -EINVAL);
	cell.size = size;
	return 0;
}

static int policy_set(const char *val, const struct kernel_param *kp)
{
	cell.policy = kvdemo_policy_find(val ?: "");
	return cell.policy ? 0 : param_refuse(kp->name, val, "the name of a policy", &bench_err,
					      -EINVAL);
}

/* The place of a parameter's value among @words */
static int place_of(const char *val, const struct kernel_param *kp, const char * const *words,
		    size_t nr, const char *allowed)
{
	int place = match_string(words, nr, val ?: "");

	if (place < 0)
		param_refuse(kp->name, val, allowed, &bench_err, -EINVAL);
	return max(place, 0);
}

static int pattern_set(const char *val, const struct kernel_param *kp)
{
	cell.pattern = place_of(val, kp, patterns, NR_PATTERNS, "loop, hold");
	return 0;
}

static int memory_set(const char *val, const struct kernel_param *kp)
{
	cell.memory = place_of(val, kp, memories, NR_MEMORIES, "idle, unmovable, movable, lower");
	return 0;
}

static const struct kernel_param_ops size_ops = PARAM_OPS(size_set);
module_param_cb(size, &size_ops, NULL, 0);
MODULE_PARM_DESC(size, "of a buffer, as in 16K; default 64K");

static const struct kernel_param_ops policy_ops = PARAM_OPS(policy_set);
module_param_cb(policy, &policy_ops, NULL, 0);
MODULE_PARM_DESC(policy, "one of the six, default noretry");

static const struct kernel_param_ops pattern_ops = PARAM_OPS(pattern_set);
module_param_cb(pattern, &pattern_ops, NULL, 0);
MODULE_PARM_DESC(pattern, "loop (default) or hold");

static const struct kernel_param_ops memory_ops = PARAM_OPS(memory_set);
module_param_cb(memory, &memory_ops, NULL, 0);
MODULE_PARM_DESC(memory, "idle (default), unmovable, movable or lower: a cell that finds another state is void");

/* The row */

static bool is_debug_kernel(void)
{
	return IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN) ||
	       IS_ENABLED(CONFIG_PROVE_LOCKING) || IS_ENABLED(CONFIG_DEBUG_VM) ||
	       IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || IS_ENABLED(CONFIG_SLUB_DEBUG_ON) ||
	       IS_ENABLED(CONFIG_DEBUG_PREEMPT) || IS_ENABLED(CONFIG_KMSAN);
}

static void measure(void)
{
	static cpumask_t old; /* only one task measures */

	/*
	 * The kernel does part of insmod's work later: it took 700000 instructions of
	 * a cell of 9 million. With movable memory there is no wait, because
	 * kcompactd would undo the fragmentation meanwhile.
	 */
	if (cell.memory != MEMORY_MOVABLE)
		msleep(AFTER_LOAD_MS);
	memset(numbers, 0, sizeof(numbers));
	numbers[NUM_SIZE] = cell.size;
	numbers[NUM_PAUSE_US] = cell.pause_us;
	numbers[NUM_ACCOUNT] = cell.account;
	numbers[NUM_LOCAL_NODE] = cell.local_node;
	numbers[NUM_INIT_ON_ALLOC] = want_init_on_alloc(0);
	numbers[NUM_DEBUG] = is_debug_kernel();
	/* Bound to a CPU, because a migration would count in a sample. */
	cpumask_copy(&old, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	verdict = bench_run_cell(&cell, numbers);
	set_cpus_allowed_ptr(current, &old);
}

static int csv_show(struct seq_file *m, void *unused)
{
	const char *now;
	int i;

	if (mutex_lock_killable(&lock))
		return -EINTR;
	if (!verdict)
		measure();
	now = verdict;
	mutex_unlock(&lock);
	if (!now)
		return -EINTR;
	seq_puts(m, "kernel,policy,pattern,memory,verdict");
	for (i = 0; i < NR_NUMBERS; i++)
		seq_printf(m, ",%s", number_columns[i]);
	seq_printf(m, "\n%s,%s,%s,%s,%s", init_utsname()->release, cell.policy->name,
		   patterns[cell.pattern], memories[cell.memory], now);
	for (i = 0; i < NR_NUMBERS; i++)
		seq_printf(m, ",%llu", numbers[i]);
	seq_putc(m, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(csv);

static int __init kvdemo_bench_init(void)
{
	if (bench_err)
		return bench_err;
	cell.n = n.value;
	cell.pause_us = pause_us.value;
	cell.account = account.value;
	cell.local_node = local_node.value;
	if (is_debug_kernel())
		pr_warn("a debug kernel (debug=1): the figures hold for no other kernel\n");
	dir = debugfs_create_dir("kvdemo_bench", NULL);
	debugfs_create_file("csv", 0400, dir, NULL, &csv_fops);
	return 0;
}

static void __exit kvdemo_bench_exit(void)
{
	debugfs_remove_recursive(dir);
}

module_init(kvdemo_bench_init);
module_exit(kvdemo_bench_exit);

MODULE_DESCRIPTION("Prices a kvmalloc policy by size and pattern");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
