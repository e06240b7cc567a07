// SPDX-License-Identifier: GPL-2.0-only
/*
 * The API while allocations are made to fail. Each write to a file in
 * /sys/module/kvdemo_test/parameters is one run in the writing task, so that fault
 * injection hits that task only. If a run finds an error, the write fails with EIO and
 * the log says what is wrong. The kernel allows one write at a time.
 */
#include <linux/sched/signal.h>

#include "test.h"

/* rmmod must be refused instead of waiting for the end of a write. */
static int run_set(const char *val, const struct kernel_param *kp)
{
	int (*set)(const char *val, const struct kernel_param *kp) = kp->arg;
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	err = set(val, kp);
	module_put(THIS_MODULE);
	return err;
}

const struct kernel_param_ops run_ops = { .set = run_set };

/*
 * faults: each size under each policy, while the writer's allocations of pages and those of
 * the slab caches for PAGE_SIZE and more fail. Every request makes its attempt, also under
 * policy backoff.
 */
static bool fails(const struct kvdemo_policy *policy, size_t size)
{
	enum kvdemo_why why = is_policy(policy, KVDEMO_KMALLOC) && size > KMALLOC_MAX_SIZE ?
			      KVDEMO_WHY_IMPOSSIBLE : KVDEMO_WHY_NO_MEMORY;
	struct kvdemo_result res;
	bool good = true;
	void *p;
	int i;

	/* smaller caches still have objects */
	if (size < PAGE_SIZE - 1)
		return true;
	for (i = 0; i < 10 && good; i++) {
		p = alloc(policy, size, GFP_KERNEL | __GFP_NOWARN, &res);
		good &= check_result(policy, size, GFP_KERNEL, p, &res, KVDEMO_PATH_NONE, why);
		kvdemo_kvfree(p);
	}
	return good;
}

static int faults_set(const char *val, const struct kernel_param *kp)
{
	return each_policy_and_size(fails) ? 0 : -EIO;
}

module_param_cb(faults, &run_ops, faults_set, 0200);

/*
 * oracle: "SEED COUNT ORDER MIN MAX": COUNT random requests of MIN to MAX
 * bytes, each made under noreclaim and of the running kernel, while the writer's
 * allocations of ORDER and above fail. Both must take the path that follows from the
 * order.
 */
static const gfp_t extras[] = { 0, __GFP_ZERO, __GFP_ACCOUNT, __GFP_RETRY_MAYFAIL,
				__GFP_RETRY_MAYFAIL | __GFP_ZERO | __GFP_ACCOUNT };

/* The path while allocations of @order and above fail; 0: none fails */
enum kvdemo_path path_of(size_t size, unsigned int order)
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

static bool agree(size_t size, gfp_t gfp, unsigned int order, unsigned long *fallbacks)
{
	struct kvdemo_result ours, theirs;
	enum kvdemo_path path = path_of(size, order);

	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_NORECLAIM], size, gfp, &ours));
	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_NATIVE], size, gfp, &theirs));
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
		return -EINVAL;
	for (i = 0; i < count; i++) {
		gfp_t gfp = GFP_KERNEL | __GFP_NOWARN |
			    extras[next_random(&state) % ARRAY_SIZE(extras)];

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

module_param_cb(oracle, &run_ops, oracle_set, 0200);
