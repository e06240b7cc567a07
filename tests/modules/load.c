// SPDX-License-Identifier: GPL-2.0-only
/*
 * load: "SEED SECONDS MIN": a thread on each CPU allocates with random sizes and
 * policies, holds some buffers, and checks that each keeps its contents. It ends after
 * SECONDS and MIN allocations, because a busy host makes few in a given time.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "test.h"

#define SLOTS		48
#define LOAD_BITS	17
/* one request in so many is above KMALLOC_MAX_SIZE */
#define HUGE_SHARE	4096

struct slot {
	u64 *p;
	size_t size;
	u64 seed;
};

struct worker {
	struct task_struct *task;
	u64 state;
	struct slot slots[SLOTS];
};

/* Of all threads of one run */
static atomic_long_t allocs, failed, bad;

static void load_free(struct slot *slot)
{
	if (!slot->p)
		return;
	if (!CHECK(intact(slot->p, slot->size, slot->seed),
		   "size=%zu path=%s: the contents changed",
		   slot->size, kvdemo_path_name(kvdemo_path(slot->p))))
		atomic_long_inc(&bad);
	kvdemo_kvfree(slot->p);
	slot->p = NULL;
}

static void load_alloc(struct worker *worker, struct slot *slot)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;

	policy = &kvdemo_policies[next_random(&worker->state) % KVDEMO_NR_POLICIES];
	slot->size = random_size(&worker->state, LOAD_BITS);
	if (!(next_random(&worker->state) % HUGE_SHARE))
		slot->size += KMALLOC_MAX_SIZE;
	slot->seed = next_random(&worker->state);
	slot->p = alloc(policy, slot->size, GFP_KERNEL | __GFP_NOWARN, &res);
	if (!slot->p) {
		/* policy kmalloc has no fallback, so it may fail */
		if (!is_policy(policy, KVDEMO_KMALLOC))
			atomic_long_inc(&failed);
		return;
	}
	atomic_long_inc(&allocs);
	if (!CHECK(res.path == kvdemo_path(slot->p), "size=%zu", slot->size))
		atomic_long_inc(&bad);
	fill(slot->p, slot->size, slot->seed);
}

static int load_thread(void *data)
{
	struct worker *worker = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		struct slot *slot = &worker->slots[next_random(&worker->state) % SLOTS];

		if (slot->p)
			load_free(slot);
		else
			load_alloc(worker, slot);
		cond_resched();
	}
	for (i = 0; i < SLOTS; i++)
		load_free(&worker->slots[i]);
	return 0;
}

static int load_start(struct worker *workers, u64 seed)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct worker *worker = &workers[cpu];

		worker->state = seed + (u64)cpu * GOLDEN_RATIO_64;
		worker->task = kthread_create(load_thread, worker, "kvdemo_load/%d", cpu);
		if (IS_ERR(worker->task))
			return PTR_ERR(worker->task);
		kthread_bind(worker->task, cpu);
		wake_up_process(worker->task);
	}
	return 0;
}

static void load_stop(struct worker *workers)
{
	int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (!IS_ERR_OR_NULL(workers[cpu].task))
			kthread_stop(workers[cpu].task);
}

static int load_run(u64 seed, unsigned int seconds, long min_allocs)
{
	unsigned long end = jiffies + (unsigned long)seconds * HZ;
	struct worker *workers;
	bool force = false;
	int err;

	workers = kvcalloc(nr_cpu_ids, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return -ENOMEM;
	atomic_long_set(&allocs, 0);
	atomic_long_set(&failed, 0);
	atomic_long_set(&bad, 0);
	err = load_start(workers, seed);
	while (!err && !fatal_signal_pending(current) &&
	       (time_before(jiffies, end) || atomic_long_read(&allocs) < min_allocs)) {
		msleep(100);
		force = !force;
		kvdemo_force_fallback(force);
	}
	kvdemo_force_fallback(false);
	load_stop(workers);
	kvfree(workers);
	pr_info("load allocs=%ld failed=%ld bad=%ld\n", atomic_long_read(&allocs),
		atomic_long_read(&failed), atomic_long_read(&bad));
	if (!err && atomic_long_read(&bad))
		err = -EIO;
	return err;
}

static int load_set(const char *val, const struct kernel_param *kp)
{
	unsigned int seconds;
	long min_allocs;
	char more;
	u64 seed;

	if (sscanf(val, "%llu %u %ld %c", &seed, &seconds, &min_allocs, &more) != 3 || !seed)
		return -EINVAL;
	return load_run(seed, seconds, min_allocs);
}

module_param_cb(load, &run_ops, load_set, 0200);
