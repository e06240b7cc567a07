// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvdemo under fire: what the API does while allocations are made to fail, and
 * while all CPUs use it at once. Nothing happens on load: each write to a file
 * in /sys/module/kvdemo_fire/parameters is one run, in the task that writes, so
 * that fault injection can be aimed at that task alone. A run that found
 * something wrong makes the write fail with EIO; the log says what it was. One
 * write at a time: the kernel lets no other at these files before it is over.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include "check.h"
#include "demo/param.h"
#include "kvdemo.h"

static int refuse(const struct kernel_param *kp, const char *val, const char *allowed)
{
	int err = 0;

	param_refuse(kp->name, val, allowed, &err, -EINVAL);
	return err;
}

/* The same seed gives the same requests on every kernel. */
static u32 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 16;
}

/* 1 to 2^@max_bits bytes, each power of two as likely as the next */
static size_t random_size(u64 *state, unsigned int max_bits)
{
	unsigned int bits = 1 + next_random(state) % max_bits;

	return 1 + next_random(state) % (1ul << bits);
}

static void *alloc(enum kvdemo_policy_id id, size_t size, gfp_t gfp,
		   struct kvdemo_result *res)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = gfp | __GFP_NOWARN, .node = NUMA_NO_NODE,
		.policy = &kvdemo_policies[id],
	};

	return kvdemo_alloc(&rq, res);
}

static bool check_result(const struct kvdemo_result *res, enum kvdemo_path path,
			 enum kvdemo_why why, enum kvdemo_policy_id id, size_t size)
{
	return CHECK(res->path == path && res->why == why,
		     "size=%zu policy=%s: %s/%s, expected %s/%s", size,
		     kvdemo_policies[id].name, kvdemo_path_name(res->path),
		     kvdemo_why_name(res->why), kvdemo_path_name(path),
		     kvdemo_why_name(why));
}

/*
 * faults: each size under each policy, while the writer's allocations fail as
 * the word says. large: those of order 1 and more, and the slab cache between
 * PAGE_SIZE and KMALLOC_MAX_CACHE_SIZE. all: single pages, too, and the slab
 * caches that @fault_sizes meet.
 */
static const size_t fault_sizes[] = {
	PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
	KMALLOC_MAX_CACHE_SIZE, KMALLOC_MAX_CACHE_SIZE + 1,
	PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER,
	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER) + 1,
	KMALLOC_MAX_SIZE, KMALLOC_MAX_SIZE + 1,
};

static bool fails_large(enum kvdemo_policy_id id, size_t size)
{
	enum kvdemo_path path = KVDEMO_PATH_VMALLOC;
	enum kvdemo_why why = KVDEMO_WHY_KMALLOC_FAILED;
	struct kvdemo_result res;
	void *p;

	/* With redzones a cache below needs blocks, too, when it has to grow. */
	if (size <= PAGE_SIZE)
		return true;
	if (id == KVDEMO_VMALLOC) {
		why = KVDEMO_WHY_POLICY;
	} else if (id == KVDEMO_KMALLOC) {
		path = KVDEMO_PATH_NONE;
		why = size > KMALLOC_MAX_SIZE ? KVDEMO_WHY_IMPOSSIBLE : KVDEMO_WHY_NO_MEMORY;
	} else if (size > KMALLOC_MAX_SIZE) {
		why = KVDEMO_WHY_TOO_LARGE;
	}
	p = alloc(id, size, GFP_KERNEL, &res);
	/* the size before may have failed at the same order */
	if (id == KVDEMO_BACKOFF && res.why == KVDEMO_WHY_BACKOFF)
		why = KVDEMO_WHY_BACKOFF;
	kvdemo_kvfree(p);
	return check_result(&res, path, why, id, size);
}

/* Nobody goes without a try, nor do those whom policy backoff would spare it. */
static bool fails_all(enum kvdemo_policy_id id, size_t size)
{
	bool tries = kvdemo_policies[id].tries && id != KVDEMO_NATIVE &&
		     (id != KVDEMO_BACKOFF || size <= KMALLOC_MAX_SIZE);
	enum kvdemo_why why = id == KVDEMO_KMALLOC && size > KMALLOC_MAX_SIZE ?
			      KVDEMO_WHY_IMPOSSIBLE : KVDEMO_WHY_NO_MEMORY;
	struct kvdemo_result res;
	bool good = true;
	int i;

	for (i = 0; i < 10 && good; i++) {
		kvdemo_kvfree(alloc(id, size, GFP_KERNEL, &res));
		good &= check_result(&res, KVDEMO_PATH_NONE, why, id, size) &&
			CHECK((res.kmalloc_ns != KVDEMO_NS_NONE) == tries,
			      "size=%zu policy=%s: tried: %d", size,
			      kvdemo_policies[id].name, !tries);
	}
	return good;
}

static int faults_set(const char *val, const struct kernel_param *kp)
{
	bool (*check)(enum kvdemo_policy_id id, size_t size);
	bool good = true;
	int id, i;

	if (sysfs_streq(val, "large"))
		check = fails_large;
	else if (sysfs_streq(val, "all"))
		check = fails_all;
	else
		return refuse(kp, val, "large, all");
	for (id = 0; id < KVDEMO_NR_POLICIES; id++)
		for (i = 0; i < ARRAY_SIZE(fault_sizes); i++)
			good &= check(id, fault_sizes[i]);
	return good ? 0 : -EIO;
}

/*
 * oracle: "SEED COUNT ORDER MIN MAX": COUNT random requests of MIN to MAX
 * bytes, each made of noreclaim and of the running kernel, while the writer's
 * allocations of ORDER and above fail. Both must take the path that the order
 * alone decides.
 */
static const gfp_t extras[] = { 0, __GFP_ZERO, __GFP_ACCOUNT, __GFP_RETRY_MAYFAIL,
				__GFP_RETRY_MAYFAIL | __GFP_ZERO | __GFP_ACCOUNT };

static enum kvdemo_path path_of(size_t size, unsigned int order)
{
	if (size <= PAGE_SIZE)
		return KVDEMO_PATH_SLAB;
	if (size > KMALLOC_MAX_SIZE)
		return KVDEMO_PATH_VMALLOC;
	if (size <= KMALLOC_MAX_CACHE_SIZE)
		return order ? KVDEMO_PATH_VMALLOC : KVDEMO_PATH_SLAB;
	return order && get_order(size) >= order ? KVDEMO_PATH_VMALLOC :
						   KVDEMO_PATH_PAGES;
}

static bool agree(size_t size, gfp_t gfp, unsigned int order,
		  unsigned long *fallbacks)
{
	struct kvdemo_result ours, theirs;
	enum kvdemo_path path = path_of(size, order);

	kvdemo_kvfree(alloc(KVDEMO_NORECLAIM, size, gfp, &ours));
	kvdemo_kvfree(alloc(KVDEMO_NATIVE, size, gfp, &theirs));
	*fallbacks += ours.path == KVDEMO_PATH_VMALLOC;
	return CHECK(ours.path == theirs.path && ours.path == path,
		     "size=%zu gfp=%pGg order=%u: ours %s, native %s, expected %s",
		     size, &gfp, order, kvdemo_path_name(ours.path),
		     kvdemo_path_name(theirs.path), kvdemo_path_name(path)) &&
	       CHECK(ours.why == theirs.why, "size=%zu: ours %s, native %s",
		     size, kvdemo_why_name(ours.why), kvdemo_why_name(theirs.why));
}

static int oracle_set(const char *val, const struct kernel_param *kp)
{
	/* up to twice KMALLOC_MAX_SIZE */
	const unsigned int max_bits = ilog2(KMALLOC_MAX_SIZE) + 1;
	unsigned long count, i, bad = 0, fallbacks = 0;
	size_t min, max, size;
	unsigned int order;
	char more;
	u64 state;

	if (sscanf(val, "%llu %lu %u %zu %zu %c", &state, &count, &order, &min, &max,
		   &more) != 5 || !state || min > max || !max || min > 1ul << max_bits)
		return refuse(kp, val,
			      "a seed, a count, an order, and two sizes up to 2 * KMALLOC_MAX_SIZE");
	for (i = 0; i < count; i++) {
		gfp_t gfp = GFP_KERNEL | extras[next_random(&state) % ARRAY_SIZE(extras)];

		do {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
			size = random_size(&state, max_bits);
		} while (size < min || size > max);
		bad += !agree(size, gfp, order, &fallbacks);
		cond_resched();
	}
	pr_info("oracle pairs=%lu order=%u fallbacks=%lu differ=%lu\n", count,
		order, fallbacks, bad);
	return bad ? -EIO : 0;
}

/*
 * load: "SEED SECONDS MIN": a thread on each CPU allocates at random sizes and
 * policies, holds some, and finds in each buffer what it wrote there. It ends
 * after SECONDS and MIN allocations, because a busy host does few in a given time.
 */
#define MAX_SECONDS	604800	/* what jiffies of 32 bits can tell apart is more */
#define SLOTS		48
#define LOAD_BITS	17
/* one in so many is above KMALLOC_MAX_SIZE */
#define HUGE_SHARE	4096

struct slot {
	u64 *p;
	size_t size;
	u64 seed;
};

struct worker {
	struct task_struct *task;
	u64 state;
	unsigned long allocs, bytes, failed, bad;
	unsigned long paths[KVDEMO_NR_PATHS];
	struct slot slots[SLOTS];
};

static u64 word_of(u64 seed, size_t i)
{
	return (seed + i) * GOLDEN_RATIO_64;
}

static void fill(const struct slot *slot)
{
	u8 *tail = (u8 *)slot->p;
	size_t i;

	for (i = 0; i < slot->size / sizeof(u64); i++)
		slot->p[i] = word_of(slot->seed, i);
	for (i *= sizeof(u64); i < slot->size; i++)
		tail[i] = slot->seed + i;
}

static bool intact(const struct slot *slot)
{
	const u8 *tail = (const u8 *)slot->p;
	size_t i;

	for (i = 0; i < slot->size / sizeof(u64); i++)
		if (slot->p[i] != word_of(slot->seed, i))
			return false;
	for (i *= sizeof(u64); i < slot->size; i++)
		if (tail[i] != (u8)(slot->seed + i))
			return false;
	return true;
}

static void load_free(struct worker *worker, struct slot *slot)
{
	if (!slot->p)
		return;
	if (!CHECK(intact(slot), "size=%zu path=%s: the contents changed",
		   slot->size, kvdemo_path_name(kvdemo_path(slot->p))))
		worker->bad++;
	kvdemo_kvfree(slot->p);
	slot->p = NULL;
}

static void load_alloc(struct worker *worker, struct slot *slot)
{
	enum kvdemo_policy_id id = next_random(&worker->state) % KVDEMO_NR_POLICIES;
	struct kvdemo_result res;

	slot->size = random_size(&worker->state, LOAD_BITS);
	if (!(next_random(&worker->state) % HUGE_SHARE))
		slot->size += KMALLOC_MAX_SIZE;
	slot->seed = next_random(&worker->state);
	slot->p = alloc(id, slot->size, GFP_KERNEL, &res);
	worker->paths[res.path]++;
	if (!slot->p) {
		/* policy kmalloc cannot serve that many bytes */
		worker->failed += id != KVDEMO_KMALLOC;
		return;
	}
	WRITE_ONCE(worker->allocs, worker->allocs + 1);
	worker->bytes += slot->size;
	worker->bad += !CHECK(res.path == kvdemo_path(slot->p), "size=%zu", slot->size);
	fill(slot);
}

static int load_thread(void *data)
{
	struct worker *worker = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		struct slot *slot = &worker->slots[next_random(&worker->state) % SLOTS];

		if (slot->p)
			load_free(worker, slot);
		else
			load_alloc(worker, slot);
		cond_resched();
	}
	for (i = 0; i < SLOTS; i++)
		load_free(worker, &worker->slots[i]);
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

static int load_stop(struct worker *workers)
{
	unsigned long allocs = 0, bytes = 0, failed = 0, bad = 0;
	unsigned long paths[KVDEMO_NR_PATHS] = { 0 };
	int cpu, i;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct worker *worker = &workers[cpu];

		if (IS_ERR_OR_NULL(worker->task))
			continue;
		kthread_stop(worker->task);
		allocs += worker->allocs;
		bytes += worker->bytes;
		failed += worker->failed;
		bad += worker->bad;
		for (i = 0; i < KVDEMO_NR_PATHS; i++)
			paths[i] += worker->paths[i];
	}
	pr_info("load allocs=%lu bytes=%lu slab=%lu pages=%lu vmalloc=%lu none=%lu failed=%lu bad=%lu\n",
		allocs, bytes, paths[KVDEMO_PATH_SLAB], paths[KVDEMO_PATH_PAGES],
		paths[KVDEMO_PATH_VMALLOC], paths[KVDEMO_PATH_NONE], failed, bad);
	return bad ? -EIO : 0;
}

static unsigned long load_allocs(const struct worker *workers)
{
	unsigned long allocs = 0;
	int cpu;

	for_each_online_cpu(cpu)
		allocs += READ_ONCE(workers[cpu].allocs);
	return allocs;
}

static int load_run(u64 seed, unsigned int seconds, unsigned long min_allocs)
{
	unsigned long end = jiffies + (unsigned long)seconds * HZ;
	struct worker *workers;
	bool force = false;
	int err, stop_err;

	workers = kvcalloc(nr_cpu_ids, sizeof(*workers), GFP_KERNEL);
	if (!workers)
		return -ENOMEM;
	err = load_start(workers, seed);
	while (!err && !fatal_signal_pending(current) &&
	       (time_before(jiffies, end) || load_allocs(workers) < min_allocs)) {
		msleep(100);
		force = !force;
		kvdemo_force_fallback(force);
	}
	kvdemo_force_fallback(false);
	stop_err = load_stop(workers);
	kvfree(workers);
	return err ?: stop_err;
}

static int load_set(const char *val, const struct kernel_param *kp)
{
	unsigned int seconds;
	unsigned long min_allocs;
	char more;
	u64 seed;

	if (sscanf(val, "%llu %u %lu %c", &seed, &seconds, &min_allocs, &more) != 3 || !seed ||
	    seconds > MAX_SECONDS)
		return refuse(kp, val,
			      "a seed, seconds of a week at most, and a minimum of allocations");
	return load_run(seed, seconds, min_allocs);
}

/* rmmod is to be refused, and not to wait for the end of a write. */
static int fire_set(const char *val, const struct kernel_param *kp)
{
	int (*set)(const char *val, const struct kernel_param *kp) = kp->arg;
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	err = set(val, kp);
	module_put(THIS_MODULE);
	return err;
}

static const struct kernel_param_ops fire_ops = { .set = fire_set };

module_param_cb(faults, &fire_ops, faults_set, 0200);
MODULE_PARM_DESC(faults, "large or all: which of the writer's allocations fail; path and why are checked");

module_param_cb(oracle, &fire_ops, oracle_set, 0200);
MODULE_PARM_DESC(oracle, "SEED COUNT ORDER MIN MAX: compare noreclaim with native, where allocations of ORDER and above fail");

module_param_cb(load, &fire_ops, load_set, 0200);
MODULE_PARM_DESC(load, "SEED SECONDS MIN: all CPUs allocate, check and free");

static int __init kvdemo_fire_init(void)
{
	return 0;
}

static void __exit kvdemo_fire_exit(void)
{
}

module_init(kvdemo_fire_init);
module_exit(kvdemo_fire_exit);

MODULE_DESCRIPTION("Tests of kvdemo's API under injected faults and load");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
