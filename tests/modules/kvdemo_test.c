// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests that run inside the guest, through the exported API of kvdemo.ko. TAP
 * on the console. What the wrapper claims is compared with what this file finds
 * by itself: the flags of the page, the gfp that kmem:kmalloc reports, the
 * node of each page, the running kernel's kvmalloc_node().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <trace/events/kmem.h>

#include "check.h"
#include "compat.h"
#include "demo/param.h"
#include "kvdemo.h"

static int warn;
module_param(warn, int, 0);
MODULE_PARM_DESC(warn, "run just this case of the contract (1 to 4); each must make the kernel WARN once");

static bool dirty;
module_param(dirty, bool, 0);
MODULE_PARM_DESC(dirty, "the kernel was booted with init_on_alloc=0: fresh memory must be seen dirty");

static char *native = "";
module_param(native, charp, 0);
MODULE_PARM_DESC(native, "the policy that must equal this kernel's kvmalloc_node(): noretry or noreclaim");

/* Asked of who loads it: a test that asked kvdemo_compat.h would agree with any slip. */
static bool mayfail = true;
module_param(mayfail, bool, 0);
MODULE_PARM_DESC(mayfail, "0: this kernel's __vmalloc() takes no __GFP_RETRY_MAYFAIL");
static bool nomemalloc = true;
module_param(nomemalloc, bool, 0);
MODULE_PARM_DESC(nomemalloc, "0: this kernel's __vmalloc() takes no __GFP_NOMEMALLOC");

static char *only = "";
module_param(only, charp, 0);
MODULE_PARM_DESC(only, "run just the tests whose names hold this text");

/*
 * Proofs that the debug kernel's checkers are awake: each case does one thing
 * wrong on purpose. Written to /sys/module/kvdemo_test/parameters/awake.
 */

static bool proving;	/* no test runs on load */

static void awake_none(void)
{
}

static void read_freed(size_t size)
{
	u8 *p = kvdemo_kvzalloc(size, GFP_KERNEL);

	kvdemo_kvfree(p);
	pr_info("# freed memory holds %u\n", READ_ONCE(*p));
}

static void awake_uaf(void)
{
	read_freed(100);
}

static void awake_uaf_vmalloc(void)
{
	kvdemo_force_fallback(true);
	read_freed(4 * PAGE_SIZE);
	kvdemo_force_fallback(false);
}

static void awake_leak(void)
{
	u8 *p = kvdemo_kvzalloc(1000, GFP_KERNEL);

	pr_info("# forgot memory that holds %u\n", READ_ONCE(*p));
}

static void awake_lock(void)
{
	static DEFINE_MUTEX(first);
	static DEFINE_MUTEX(second);

	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);
	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

/* What a caller does who never checks: harmless until an allocation fails */
static void awake_null(void)
{
	u8 *p = kvdemo_kvmalloc(PAGE_SIZE - 1000, GFP_KERNEL);

	WRITE_ONCE(*p, 1);
	kvdemo_kvfree(p);
}

static void awake_ubsan(void)
{
	int bits = 100;

	OPTIMIZER_HIDE_VAR(bits);
	pr_info("# 1 << %d is %d\n", bits, 1 << bits);
}

static const struct {
	const char *name;
	void (*go_wrong)(void);
} awake_cases[] = {
	{ "none", awake_none },
	{ "uaf", awake_uaf },
	{ "uaf-vmalloc", awake_uaf_vmalloc },
	{ "leak", awake_leak },
	{ "lock", awake_lock },
	{ "null", awake_null },
	{ "ubsan", awake_ubsan },
};

static int awake_set(const char *val, const struct kernel_param *kp)
{
	int i, err = 0;

	proving = true;
	for (i = 0; i < ARRAY_SIZE(awake_cases); i++) {
		if (!sysfs_streq(val, awake_cases[i].name))
			continue;
		awake_cases[i].go_wrong();
		return 0;
	}
	param_refuse(kp->name, val, "none, uaf, uaf-vmalloc, leak, lock, null, ubsan", &err, -EINVAL);
	return err;
}

static const struct kernel_param_ops awake_ops = { .set = awake_set };
module_param_cb(awake, &awake_ops, NULL, 0200);
MODULE_PARM_DESC(awake, "do one thing wrong, on a kernel whose checkers are to catch it: uaf, uaf-vmalloc, leak, lock, null (an unchecked failure), ubsan; none: nothing, on load");

#define COSTLY_SIZE	((size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/* Below, at and above each boundary; filled in by init_sizes(). */
static size_t sizes[15];
static unsigned int nr_sizes;

static const char *skip;	/* set by a test that cannot run here */

static void init_sizes(void)
{
	const size_t bounds[] = { 1024, PAGE_SIZE, KMALLOC_MAX_CACHE_SIZE,
				  COSTLY_SIZE, KMALLOC_MAX_SIZE };
	size_t most;
	struct sysinfo si;
	int i, delta;

	si_meminfo(&si);
	most = (si.totalram - si.totalhigh) * PAGE_SIZE / 8;
	for (i = 0; i < ARRAY_SIZE(bounds); i++) {
		if (bounds[i] >= most) {
			pr_info("# left out: %zu, too large for this guest\n",
				bounds[i]);
			continue;
		}
		for (delta = -1; delta <= 1; delta++)
			sizes[nr_sizes++] = bounds[i] + delta;
	}
}

/* What kmem:kmalloc said of the first call of a watched size by this task */

static struct {
	struct task_struct *task;
	size_t size;
	unsigned int calls;
	gfp_t gfp;
} seen;

static void probe(void *data, unsigned long call_site, const void *ptr,
		  size_t req, size_t alloc, gfp_t gfp, int node)
{
	if (current != seen.task || req != seen.size)
		return;
	if (!seen.calls++)
		seen.gfp = gfp;
}

static void watch(size_t size)
{
	seen.size = size;
	seen.calls = 0;
	seen.gfp = 0;
	WRITE_ONCE(seen.task, current);
}

static void unwatch(void)
{
	WRITE_ONCE(seen.task, NULL);
}

static void *alloc(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
		   struct kvdemo_result *res)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = gfp, .node = NUMA_NO_NODE, .policy = policy,
	};

	return kvdemo_alloc(&rq, res);
}

static void *alloc_forced(const struct kvdemo_policy *policy, size_t size,
			  gfp_t gfp, struct kvdemo_result *res)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = gfp, .node = NUMA_NO_NODE, .policy = policy,
		.force_fallback = true,
	};

	return kvdemo_alloc(&rq, res);
}

static const struct kvdemo_policy * const policies_end =
	kvdemo_policies + KVDEMO_NR_POLICIES;

static bool is_policy(const struct kvdemo_policy *policy, enum kvdemo_policy_id id)
{
	return policy == &kvdemo_policies[id];
}

/* The path by another road than kvdemo_path(): the linear map, then the page. */
static enum kvdemo_path real_path(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return KVDEMO_PATH_NONE;
	if (!virt_addr_valid(p))
		return vmalloc_to_page(p) ? KVDEMO_PATH_VMALLOC : KVDEMO_NR_PATHS;
	return PageSlab(compound_head(virt_to_page(p))) ? KVDEMO_PATH_SLAB :
							  KVDEMO_PATH_PAGES;
}

/* In memory that is not short, the size decides. */
static enum kvdemo_path path_of_size(size_t size)
{
	if (size <= KMALLOC_MAX_CACHE_SIZE)
		return KVDEMO_PATH_SLAB;
	return size <= KMALLOC_MAX_SIZE ? KVDEMO_PATH_PAGES : KVDEMO_PATH_VMALLOC;
}

static enum kvdemo_why why_of_size(size_t size)
{
	if (size <= PAGE_SIZE)
		return KVDEMO_WHY_SMALL;
	return size <= KMALLOC_MAX_SIZE ? KVDEMO_WHY_CONTIGUOUS :
					  KVDEMO_WHY_TOO_LARGE;
}

static bool check_result(const struct kvdemo_policy *policy, size_t size,
			 const void *p, const struct kvdemo_result *res,
			 enum kvdemo_path path, enum kvdemo_why why)
{
	return CHECK(res->path == path && res->why == why,
		     "size=%zu policy=%s: %s/%s, expected %s/%s", size,
		     policy->name, kvdemo_path_name(res->path),
		     kvdemo_why_name(res->why), kvdemo_path_name(path),
		     kvdemo_why_name(why)) &
	       CHECK(res->path == real_path(p), "size=%zu policy=%s: %s, the page says %s",
		     size, policy->name, kvdemo_path_name(res->path),
		     kvdemo_path_name(real_path(p)));
}

static bool test_boundaries(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		for (i = 0; i < nr_sizes; i++) {
			enum kvdemo_path path = path_of_size(sizes[i]);
			enum kvdemo_why why = why_of_size(sizes[i]);

			if (is_policy(policy, KVDEMO_VMALLOC)) {
				path = KVDEMO_PATH_VMALLOC;
				why = KVDEMO_WHY_POLICY;
			} else if (is_policy(policy, KVDEMO_KMALLOC) &&
				   sizes[i] > KMALLOC_MAX_SIZE) {
				path = KVDEMO_PATH_NONE;
				why = KVDEMO_WHY_NO_MEMORY;
			}
			p = alloc(policy, sizes[i], GFP_KERNEL, &res);
			good &= check_result(policy, sizes[i], p, &res, path, why);
			kvdemo_kvfree(p);
		}
	}
	return good;
}

/* Every page of the buffer, not just every byte, holds something of its own. */
static u32 word_of(size_t i)
{
	return i * 0x9e3779b1u + 1;
}

static bool keeps_contents(void *p, size_t size)
{
	u8 *tail = p;
	u32 *w = p;
	size_t i;

	for (i = 0; i < size / sizeof(*w); i++)
		w[i] = word_of(i);
	for (i = round_down(size, sizeof(*w)); i < size; i++)
		tail[i] = ~i;
	for (i = 0; i < size / sizeof(*w); i++)
		if (w[i] != word_of(i))
			return false;
	for (i = round_down(size, sizeof(*w)); i < size; i++)
		if (tail[i] != (u8)~i)
			return false;
	return true;
}

static bool test_contents(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		for (i = 0; i < nr_sizes; i++) {
			p = alloc(policy, sizes[i], GFP_KERNEL | __GFP_NOWARN, NULL);
			if (is_policy(policy, KVDEMO_KMALLOC) && !p)
				continue;
			good &= CHECK(p && keeps_contents(p, sizes[i]),
				      "size=%zu policy=%s", sizes[i], policy->name);
			kvdemo_kvfree(p);
		}
	}
	return good;
}

/* Leave free memory full of ones, so that zeroes have to be made. */
static void make_dirty(const struct kvdemo_policy *policy, size_t size)
{
	void *p[4];
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = alloc(policy, size, GFP_KERNEL, NULL);
		if (p[i])
			memset(p[i], 0xff, size);
	}
	for (i = 0; i < ARRAY_SIZE(p); i++)
		kvdemo_kvfree(p[i]);
}

static bool zeroed(const struct kvdemo_policy *policy, size_t size,
		   bool seen_dirty[KVDEMO_NR_PATHS])
{
	struct kvdemo_result res;
	bool good;
	void *p;

	make_dirty(policy, size);
	p = alloc(policy, size, GFP_KERNEL, &res);
	if (p && memchr_inv(p, 0, size))
		seen_dirty[res.path] = true;
	kvdemo_kvfree(p);
	p = alloc(policy, size, GFP_KERNEL | __GFP_ZERO, &res);
	good = CHECK(p && !memchr_inv(p, 0, size), "size=%zu policy=%s path=%s",
		     size, policy->name, kvdemo_path_name(res.path));
	kvdemo_kvfree(p);
	return good;
}

static bool test_zero(void)
{
	bool seen_dirty[KVDEMO_NR_PATHS] = { [KVDEMO_PATH_NONE] = true };
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;

	for (policy = kvdemo_policies; policy < policies_end; policy++)
		for (i = 0; i < nr_sizes; i++)
			if (sizes[i] <= KMALLOC_MAX_SIZE || policy->falls_back)
				good &= zeroed(policy, sizes[i], seen_dirty);
	for (i = 0; dirty && i < KVDEMO_NR_PATHS; i++)
		good &= CHECK(seen_dirty[i], "path=%s: never dirty, zeroing is not proved",
			      kvdemo_path_name(i));
	return good;
}

static bool forced_by_request(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		if (is_policy(policy, KVDEMO_VMALLOC) ||
		    is_policy(policy, KVDEMO_KMALLOC))
			continue;
		for (i = 0; i < nr_sizes; i++) {
			bool large = sizes[i] > PAGE_SIZE;

			p = alloc_forced(policy, sizes[i], GFP_KERNEL, &res);
			good &= check_result(policy, sizes[i], p, &res,
					     large ? KVDEMO_PATH_VMALLOC : KVDEMO_PATH_SLAB,
					     large ? KVDEMO_WHY_FORCED : KVDEMO_WHY_SMALL);
			kvdemo_kvfree(p);
		}
	}
	return good;
}

/* The same for callers that know of no request */
static bool forced_on_all(void)
{
	bool good = true;
	void *p;

	kvdemo_force_fallback(true);
	p = kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL);
	good &= CHECK(real_path(p) == KVDEMO_PATH_VMALLOC, "all callers");
	kvdemo_kvfree(p);
	p = kvdemo_kvmalloc(PAGE_SIZE, GFP_KERNEL);
	good &= CHECK(real_path(p) == KVDEMO_PATH_SLAB, "all callers, small");
	kvdemo_kvfree(p);
	kvdemo_force_fallback(false);
	p = kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL);
	good &= CHECK(real_path(p) == KVDEMO_PATH_PAGES, "none again");
	kvdemo_kvfree(p);
	return good;
}

static bool nothing_to_force(void)
{
	struct kvdemo_result res;
	bool good = true;
	void *p;

	p = alloc_forced(&kvdemo_policies[KVDEMO_KMALLOC], COSTLY_SIZE, GFP_KERNEL, &res);
	good &= check_result(&kvdemo_policies[KVDEMO_KMALLOC], COSTLY_SIZE, p, &res,
			     KVDEMO_PATH_PAGES, KVDEMO_WHY_CONTIGUOUS);
	kvdemo_kvfree(p);
	p = alloc_forced(&kvdemo_policies[KVDEMO_VMALLOC], 1, GFP_KERNEL, &res);
	good &= check_result(&kvdemo_policies[KVDEMO_VMALLOC], 1, p, &res,
			     KVDEMO_PATH_VMALLOC, KVDEMO_WHY_POLICY);
	kvdemo_kvfree(p);
	/* The order of the reasons: forced stands before policy. */
	p = alloc_forced(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_KERNEL, &res);
	good &= check_result(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, p, &res,
			     KVDEMO_PATH_VMALLOC, KVDEMO_WHY_FORCED);
	kvdemo_kvfree(p);
	return good;
}

static bool test_forced(void)
{
	return forced_by_request() & forced_on_all() & nothing_to_force();
}

static const gfp_t extras[] = { 0, __GFP_ZERO, __GFP_ACCOUNT, __GFP_NOWARN,
				__GFP_RETRY_MAYFAIL,
				__GFP_RETRY_MAYFAIL | __GFP_ZERO | __GFP_ACCOUNT };

/* The rules once more, written down from the design and not from the table. */
static gfp_t expected_gfp(enum kvdemo_policy_id id, size_t size, gfp_t gfp)
{
	bool mayfail = gfp & __GFP_RETRY_MAYFAIL;

	if (size <= PAGE_SIZE)
		return gfp;
	gfp |= __GFP_NOWARN;
	if (gfp & __GFP_THISNODE && id != KVDEMO_KMALLOC)
		return gfp | __GFP_RETRY_MAYFAIL;
	if (id == KVDEMO_NORECLAIM || id == KVDEMO_BACKOFF)
		return mayfail ? gfp : gfp & ~__GFP_DIRECT_RECLAIM;
	return mayfail && size > COSTLY_SIZE ? gfp : gfp | __GFP_NORETRY;
}

static bool gfp_is_expected(enum kvdemo_policy_id id, size_t size, gfp_t gfp)
{
	unsigned int calls = 1;
	gfp_t expected = expected_gfp(id, size, gfp);

	if (id == KVDEMO_BACKOFF && size > KMALLOC_MAX_SIZE)
		calls = 0;
	watch(size);
	kvdemo_kvfree(alloc(&kvdemo_policies[id], size, gfp, NULL));
	unwatch();
	return CHECK(!!seen.calls == calls, "size=%zu policy=%s: %u calls of kmalloc",
		     size, kvdemo_policies[id].name, seen.calls) &&
	       CHECK(!calls || seen.gfp == expected,
		     "size=%zu policy=%s: tried with %pGg, expected %pGg", size,
		     kvdemo_policies[id].name, &seen.gfp, &expected);
}

static bool test_gfp(void)
{
	static const enum kvdemo_policy_id ids[] = {
		KVDEMO_NORETRY, KVDEMO_NORECLAIM, KVDEMO_BACKOFF, KVDEMO_KMALLOC,
	};
	unsigned int i, j, k;
	bool good = true;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		for (j = 0; j < nr_sizes; j++) {
			for (k = 0; k < ARRAY_SIZE(extras); k++)
				good &= gfp_is_expected(ids[i], sizes[j],
							GFP_KERNEL | extras[k]);
			good &= gfp_is_expected(ids[i], sizes[j],
						GFP_KERNEL | __GFP_THISNODE);
		}
	watch(COSTLY_SIZE);
	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE,
			    GFP_KERNEL, NULL));
	kvdemo_kvfree(alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE,
				   GFP_KERNEL, NULL));
	unwatch();
	return good & CHECK(!seen.calls, "vmalloc and forced must not call kmalloc");
}

/*
 * The gfp that __vmalloc() gets, read by a kprobe: every bit that it takes is
 * passed on, and none that it does not.
 */
#ifdef CONFIG_HAVE_FUNCTION_ARG_ACCESS_API
static gfp_t vmalloc_gfp;

static int see_vmalloc(struct kprobe *kp, struct pt_regs *regs)
{
	if (current == seen.task)
		vmalloc_gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);
	return 0;
}

static bool forced_on_node(gfp_t gfp)
{
	const struct kvdemo_request rq = {
		.size = COSTLY_SIZE,
		.gfp = gfp,
		.node = numa_mem_id(),
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
		.force_fallback = true,
	};
	void *p = kvdemo_alloc(&rq, NULL);
	bool good = CHECK(kvdemo_path(p) == KVDEMO_PATH_VMALLOC, "%pGg", &gfp);

	kvdemo_kvfree(p);
	return good;
}

static bool test_vmalloc_gfp(void)
{
	struct kprobe kp = {
		.symbol_name = __stringify(__vmalloc_noprof),
		.pre_handler = see_vmalloc,
	};
	const gfp_t asked = __GFP_RECLAIMABLE | __GFP_COMP | __GFP_NOMEMALLOC;
	bool good = true;
	unsigned int i;
	gfp_t wanted;

	if (!CHECK(!register_kprobe(&kp), "register_kprobe"))
		return false;
	for (i = 0; i < ARRAY_SIZE(extras); i++) {
		watch(COSTLY_SIZE);
		kvdemo_kvfree(alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE,
					   GFP_KERNEL | extras[i] | asked, NULL));
		unwatch();
		wanted = GFP_KERNEL | extras[i];
		if (nomemalloc)
			wanted |= __GFP_NOMEMALLOC;
		if (!mayfail)
			wanted &= ~__GFP_RETRY_MAYFAIL;
		good &= CHECK(vmalloc_gfp == wanted, "%pGg, expected %pGg",
			      &vmalloc_gfp, &wanted);
	}
	unregister_kprobe(&kp);
	/* Who names a node is served by another function: it warns about other bits. */
	for (i = 0; i < ARRAY_SIZE(extras); i++)
		good &= forced_on_node(GFP_KERNEL | extras[i] | asked);
	return good;
}
#else
static bool test_vmalloc_gfp(void)
{
	skip = "this architecture shows no arguments to a kprobe";
	return true;
}
#endif

/* 4.13 let RETRY_MAYFAIL replace NORETRY at every order; ours keeps 4.12. */
static bool differs_on_purpose(const struct kvdemo_policy *policy, size_t size,
			       gfp_t gfp)
{
	return is_policy(policy, KVDEMO_NORETRY) && gfp & __GFP_RETRY_MAYFAIL &&
	       size > PAGE_SIZE && size <= COSTLY_SIZE;
}

static bool agrees(const struct kvdemo_policy *policy, size_t size, gfp_t gfp)
{
	const struct kvdemo_policy *oracle = &kvdemo_policies[KVDEMO_NATIVE];
	struct kvdemo_result theirs, ours;
	gfp_t wanted;
	bool good;

	watch(size);
	kvdemo_kvfree(alloc(oracle, size, gfp, &theirs));
	wanted = seen.gfp;
	good = CHECK(seen.calls, "size=%zu: native never called kmalloc", size);
	watch(size);
	kvdemo_kvfree(alloc(policy, size, gfp, &ours));
	unwatch();
	if (differs_on_purpose(policy, size, gfp))
		wanted |= __GFP_NORETRY;
	return good &
	       CHECK(seen.gfp == wanted, "size=%zu policy=%s: tried with %pGg, native with %pGg",
		     size, policy->name, &seen.gfp, &wanted) &
	       CHECK(ours.path == theirs.path && ours.why == theirs.why,
		     "size=%zu: %s, native %s", size, kvdemo_path_name(ours.path),
		     kvdemo_path_name(theirs.path)) &
	       CHECK(theirs.kmalloc_ns == KVDEMO_NS_NONE &&
		     theirs.vmalloc_ns == KVDEMO_NS_NONE, "size=%zu", size);
}

static bool test_native(void)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(native);
	bool good = true;
	unsigned int i, j;

	if (!CHECK(policy, "native=%s names no policy", native))
		return false;
	for (i = 0; i < nr_sizes; i++)
		for (j = 0; j < ARRAY_SIZE(extras); j++)
			good &= agrees(policy, sizes[i], GFP_KERNEL | extras[j]);
	return good;
}

static struct page *real_page(const void *p)
{
	return virt_addr_valid(p) ? virt_to_page(p) : vmalloc_to_page(p);
}

static bool on_node(const void *p, size_t size, int node)
{
	size_t at;

	for (at = 0; at < size; at += PAGE_SIZE)
		if (page_to_nid(real_page(p + at)) != node)
			return false;
	return page_to_nid(real_page(p + size - 1)) == node;
}

static bool node_is_honoured(const struct kvdemo_policy *policy, size_t size,
			     int node)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = GFP_KERNEL, .node = node, .policy = policy,
	};
	struct kvdemo_layout layout;
	struct kvdemo_result res;
	bool good = true;
	void *p;

	p = kvdemo_alloc(&rq, &res);
	if (!p)
		return CHECK(is_policy(policy, KVDEMO_KMALLOC), "size=%zu", size);
	/* The kernel's own fallback has the node on every release. */
	if (res.path != KVDEMO_PATH_VMALLOC || KVDEMO_VMALLOC_NODE || policy->native)
		good = CHECK(on_node(p, size, node), "size=%zu policy=%s node=%d",
			     size, policy->name, node);
	/* Whatever node it became, inspection tells it. */
	good &= CHECK(!kvdemo_inspect(p, size, &layout), "size=%zu", size) &&
		CHECK(layout.node == page_to_nid(real_page(p)) &&
		      kvdemo_page_node(p) == layout.node &&
		      node_isset(layout.node, layout.nodes), "size=%zu", size);
	if (nodes_weight(layout.nodes) == 1)
		good &= CHECK(on_node(p, size, layout.node), "size=%zu", size);
	kvdemo_kvfree(p);
	return good;
}

/* Pages of all nodes in one buffer, as a fallback on a full node makes them */
static bool spanning_is_told(void)
{
	struct kvdemo_layout layout;
	struct page *pages[4];
	int i, node = first_memory_node;
	bool good = false;
	void *p;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_pages_node(node, GFP_KERNEL | __GFP_THISNODE, 0);
		if (!CHECK(pages[i], "node=%d is full", node))
			goto out;
		node = next_memory_node(node);
		if (node == MAX_NUMNODES)
			node = first_memory_node;
	}
	p = vmap(pages, ARRAY_SIZE(pages), VM_MAP, PAGE_KERNEL);
	good = CHECK(p && !kvdemo_inspect(p, ARRAY_SIZE(pages) * PAGE_SIZE, &layout),
		     "vmap") &&
	       CHECK(nodes_weight(layout.nodes) == min_t(int, num_node_state(N_MEMORY), 4),
		     "nodes=%*pbl", nodemask_pr_args(&layout.nodes));
	vunmap(p);
out:
	while (i--)
		__free_page(pages[i]);
	return good;
}

static bool test_node(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;
	int node;

	if (num_node_state(N_MEMORY) < 2) {
		skip = "the guest has one node";
		return true;
	}
	for_each_node_state(node, N_MEMORY)
		for (policy = kvdemo_policies; policy < policies_end; policy++)
			for (i = 0; i < nr_sizes; i++)
				good &= node_is_honoured(policy, sizes[i], node);
	return good & spanning_is_told();
}

static bool test_zero_size(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_layout layout;
	struct kvdemo_result res;
	bool good = true;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		p = alloc(policy, 0, GFP_KERNEL, &res);
		good &= CHECK(p == ZERO_SIZE_PTR, "policy=%s", policy->name);
		good &= check_result(policy, 0, p, &res, KVDEMO_PATH_NONE,
				     KVDEMO_WHY_ZERO);
		good &= CHECK(kvdemo_inspect(p, 0, &layout) == -EINVAL, "inspect");
		kvdemo_kvfree(p);
		p = alloc_forced(policy, 0, GFP_KERNEL, NULL);
		good &= CHECK(p == ZERO_SIZE_PTR, "forced policy=%s", policy->name);
		kvdemo_kvfree(p);
	}
	p = kvdemo_kvmalloc(0, GFP_KERNEL);
	good &= CHECK(p == ZERO_SIZE_PTR, "kvdemo_kvmalloc");
	kvdemo_kvfree(p);
	kvdemo_kvfree(NULL);
	return good & CHECK(kvdemo_page_node(ZERO_SIZE_PTR) == NUMA_NO_NODE, "node");
}

static bool test_too_large(void)
{
	const size_t large[] = { (size_t)INT_MAX + 1, SIZE_MAX - PAGE_SIZE, SIZE_MAX };
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		for (i = 0; i < ARRAY_SIZE(large); i++) {
			p = alloc(policy, large[i], GFP_KERNEL | __GFP_NOWARN, &res);
			good &= check_result(policy, large[i], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			p = alloc_forced(policy, large[i],
					 GFP_KERNEL | __GFP_NOWARN, &res);
			good &= check_result(policy, large[i], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			good &= CHECK(res.vmalloc_ns == KVDEMO_NS_NONE,
				      "policy=%s asked vmalloc", policy->name);
		}
	}
	return good;
}

/* INT_MAX itself is asked of vmalloc, which has not that much memory here. */
static bool test_int_max(void)
{
	struct kvdemo_result res;
	void *p;

	if (totalram_pages() >= INT_MAX / PAGE_SIZE) {
		skip = "the guest has 2 GiB";
		return true;
	}
	p = alloc(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX,
		  GFP_KERNEL | __GFP_NOWARN, &res);
	return check_result(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX, p, &res,
			    KVDEMO_PATH_NONE, KVDEMO_WHY_NO_MEMORY) &&
	       CHECK(res.vmalloc_ns != KVDEMO_NS_NONE, "vmalloc was not asked");
}

/* What a zone or a node alone can serve never comes from vmalloc, forced or not. */
static bool test_bound(void)
{
	static const gfp_t bound[] = { __GFP_DMA, __GFP_THISNODE };
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(bound); i++) {
		p = alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_KERNEL | bound[i],
			  &res);
		good &= CHECK(!p && res.vmalloc_ns == KVDEMO_NS_NONE, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
		p = alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], KMALLOC_MAX_SIZE + 1,
				 GFP_KERNEL | bound[i], &res);
		good &= CHECK(!p && res.vmalloc_ns == KVDEMO_NS_NONE, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
		p = alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE,
				 GFP_KERNEL | bound[i], &res);
		good &= CHECK(p && res.why == KVDEMO_WHY_CONTIGUOUS, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
	}
	return good;
}

/* kmalloc has no such zone, and would serve any other. */
static bool test_dma32(void)
{
	static const size_t asked[] = { 1, 3 * PAGE_SIZE, COSTLY_SIZE, KMALLOC_MAX_SIZE + 1 };
	gfp_t gfp = GFP_KERNEL | __GFP_DMA32;
	struct kvdemo_result res;
	bool good = true;
	int i, j;
	void *p;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++) {
		for (j = 0; j < ARRAY_SIZE(asked); j++) {
			p = alloc(&kvdemo_policies[i], asked[j], gfp, &res);
			good &= check_result(&kvdemo_policies[i], asked[j], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_NO_MEMORY);
			p = alloc(&kvdemo_policies[i], asked[j], gfp, NULL);
			good &= CHECK(!p, "size=%zu", asked[j]);
			kvdemo_kvfree(p);
		}
		p = alloc(&kvdemo_policies[i], 0, gfp, &res);
		good &= CHECK(p == ZERO_SIZE_PTR && res.why == KVDEMO_WHY_ZERO, "0");
	}
	return good;
}

static bool zeroed_family(void)
{
	bool good = true;
	void *p;

	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvzalloc(COSTLY_SIZE, GFP_KERNEL);
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvzalloc");
	kvdemo_kvfree(p);
	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvzalloc_node(COSTLY_SIZE, GFP_KERNEL, numa_node_id());
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvzalloc_node");
	kvdemo_kvfree(p);
	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvcalloc(COSTLY_SIZE / 8, 8, GFP_KERNEL);
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvcalloc");
	kvdemo_kvfree(p);
	return good;
}

static bool test_family(void)
{
	size_t half = SIZE_MAX / 2 + 1;
	bool good = true;
	void *p;

	p = kvdemo_kvmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc");
	kvdemo_kvfree(p);
	p = kvdemo_kvmalloc_node(3 * PAGE_SIZE, GFP_KERNEL, numa_node_id());
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc_node");
	kvfree(p);
	p = kvdemo_kvmalloc_array(3, PAGE_SIZE, GFP_KERNEL);
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc_array");
	kvdemo_kvfree(p);
	/* 2 * half wraps to 0, and (half + 8) * 2 to 16: neither may be served */
	good &= CHECK(!kvdemo_kvmalloc_array(2, half, GFP_KERNEL), "2 * half");
	good &= CHECK(!kvdemo_kvmalloc_array(half + 8, 2, GFP_KERNEL), "wrap");
	good &= CHECK(!kvdemo_kvcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL), "kvcalloc");
	good &= CHECK(kvdemo_kvmalloc_array(0, 8, GFP_KERNEL) == ZERO_SIZE_PTR,
		      "no elements");
	return good & zeroed_family();
}

/* A price stands for each step that was taken, and for no other. */
static bool test_prices(void)
{
	const struct kvdemo_policy *noretry = &kvdemo_policies[KVDEMO_NORETRY];
	struct kvdemo_result res;
	bool good = true;

	kvdemo_kvfree(alloc(noretry, COSTLY_SIZE, GFP_KERNEL, &res));
	good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns == KVDEMO_NS_NONE, "try");
	kvdemo_kvfree(alloc_forced(noretry, COSTLY_SIZE, GFP_KERNEL, &res));
	good &= CHECK(res.kmalloc_ns == KVDEMO_NS_NONE && res.vmalloc_ns > 0, "forced");
	alloc(&kvdemo_policies[KVDEMO_KMALLOC], KMALLOC_MAX_SIZE + 1, GFP_KERNEL, &res);
	good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns == KVDEMO_NS_NONE, "failed");
	alloc(noretry, 0, GFP_KERNEL, &res);
	good &= CHECK(res.kmalloc_ns == KVDEMO_NS_NONE &&
		      res.vmalloc_ns == KVDEMO_NS_NONE, "zero");
	if (sizes[nr_sizes - 1] == KMALLOC_MAX_SIZE + 1) {
		kvdemo_kvfree(alloc(noretry, KMALLOC_MAX_SIZE + 1, GFP_KERNEL, &res));
		good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns > 0, "both");
	}
	return good;
}

static bool layout_is_real(const void *p, size_t size)
{
	unsigned long pages = 0, runs = 0, pfn, last = 0;
	struct kvdemo_layout layout;
	size_t at;

	for (at = 0; at < offset_in_page(p) + size; at += PAGE_SIZE) {
		pfn = page_to_pfn(real_page(p - offset_in_page(p) + at));
		runs += !pages++ || pfn != last + 1;
		last = pfn;
	}
	return CHECK(!kvdemo_inspect(p, size, &layout), "size=%zu", size) &&
	       CHECK(layout.pages == pages && layout.runs == runs,
		     "size=%zu: %lu pages in %lu runs, really %lu in %lu", size,
		     layout.pages, layout.runs, pages, runs) &&
	       CHECK(layout.path == real_path(p), "size=%zu", size) &&
	       CHECK(layout.path != KVDEMO_PATH_PAGES || size == 1 ||
		     layout.order == get_order(size), "size=%zu order=%u", size,
		     layout.order) &&
	       CHECK(layout.path == KVDEMO_PATH_VMALLOC || runs == 1,
		     "size=%zu: kmalloc in %lu runs", size, runs);
}

static bool test_inspect(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_layout layout;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < policies_end; policy++) {
		for (i = 0; i < nr_sizes; i++) {
			p = alloc(policy, sizes[i], GFP_KERNEL, NULL);
			if (!p)
				continue;
			good &= layout_is_real(p, sizes[i]);
			good &= layout_is_real(p + sizes[i] / 2, 1);
			good &= CHECK(kvdemo_inspect(p, 4 * KMALLOC_MAX_SIZE, &layout) ==
				      -ERANGE, "size=%zu", sizes[i]);
			kvdemo_kvfree(p);
		}
	}
	return good & CHECK(kvdemo_inspect(NULL, 1, &layout) == -EINVAL, "NULL");
}

static bool test_names(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;

	for (policy = kvdemo_policies; policy < policies_end; policy++)
		good &= CHECK(kvdemo_policy_find(policy->name) == policy && policy->desc,
			      "%s", policy->name);
	good &= CHECK(!kvdemo_policy_find("") && !kvdemo_policy_find("noretr") &&
		      !kvdemo_policy_find("noretry "), "unknown");
	good &= CHECK(!strcmp(kvdemo_path_name(KVDEMO_NR_PATHS), "?") &&
		      !strcmp(kvdemo_why_name(-1), "?"), "out of range");
	return good;
}

/*
 * Fragment: take all free blocks of an order, split each and free every second
 * page, so that no block of that order is left and compaction cannot make one.
 */
struct hoard {
	struct page **blocks;
	unsigned long nr, most;
	unsigned int nr_lucky;
	void *lucky[256];
};

#define HOARD_ORDER	3u
#define FRAGMENTED_SIZE	(2 * COSTLY_SIZE)

static void hoard_pass(struct hoard *hoard, gfp_t gfp)
{
	unsigned long j, start = hoard->nr;
	struct page *page;

	while (hoard->nr < hoard->most) {
		page = alloc_pages(gfp, HOARD_ORDER);
		if (!page)
			break;
		split_page(page, HOARD_ORDER);
		hoard->blocks[hoard->nr++] = page;
	}
	for (; start < hoard->nr; start++)
		for (j = 1; j < 1ul << HOARD_ORDER; j += 2)
			__free_page(hoard->blocks[start] + j);
}

static bool hoard_take(struct hoard *hoard)
{
	/* free memory only, down to the watermark: nobody is killed */
	gfp_t gfp = (GFP_KERNEL | __GFP_NOWARN) & ~__GFP_RECLAIM;
	unsigned long before;
	int calm;

	hoard->nr = 0;
	hoard->nr_lucky = 0;
	hoard->most = totalram_pages() >> HOARD_ORDER;
	hoard->blocks = kvcalloc(hoard->most, sizeof(*hoard->blocks), GFP_KERNEL);
	if (!hoard->blocks)
		return CHECK(false, "no memory for the hoard");
	/* Half is given back, so compaction may now find what it can, and lose it. */
	for (calm = 0; calm < 5; calm++) {
		before = hoard->nr;
		hoard_pass(hoard, gfp);
		if (hoard->nr > before)
			calm = 0;
		gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY;
		msleep(20);
	}
	return true;
}

/*
 * Background compaction and reclaim may still make a block: it joins the hoard,
 * else each later try would find it again.
 */
static void *alloc_fragmented(struct hoard *hoard, const struct kvdemo_policy *policy,
			      gfp_t gfp, struct kvdemo_result *res)
{
	void *p;

	for (;;) {
		p = alloc(policy, FRAGMENTED_SIZE, gfp, res);
		if (res->path != KVDEMO_PATH_PAGES ||
		    hoard->nr_lucky == ARRAY_SIZE(hoard->lucky))
			return p;
		hoard->lucky[hoard->nr_lucky++] = p;
	}
}

static void hoard_give(struct hoard *hoard)
{
	unsigned long i, j;

	while (hoard->nr_lucky)
		kvdemo_kvfree(hoard->lucky[--hoard->nr_lucky]);

	for (i = 0; i < hoard->nr; i++)
		for (j = 0; j < 1ul << HOARD_ORDER; j += 2)
			__free_page(hoard->blocks[i] + j);
	kvfree(hoard->blocks);
}

static bool falls_back_for_real(struct hoard *hoard,
				const struct kvdemo_policy *policy)
{
	struct kvdemo_result res;
	enum kvdemo_path path = KVDEMO_PATH_VMALLOC;
	enum kvdemo_why why = KVDEMO_WHY_KMALLOC_FAILED;
	bool good;
	void *p;

	if (is_policy(policy, KVDEMO_KMALLOC)) {
		path = KVDEMO_PATH_NONE;
		why = KVDEMO_WHY_NO_MEMORY;
	} else if (is_policy(policy, KVDEMO_VMALLOC)) {
		why = KVDEMO_WHY_POLICY;
	}
	p = alloc_fragmented(hoard, policy, GFP_KERNEL, &res);
	good = check_result(policy, FRAGMENTED_SIZE, p, &res, path, why);
	if (p)
		good &= CHECK(keeps_contents(p, FRAGMENTED_SIZE), "contents");
	if (why == KVDEMO_WHY_KMALLOC_FAILED && !policy->native)
		good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns > 0, "prices");
	kvdemo_kvfree(p);
	return good;
}

/* Static, for it is large beside a kernel stack */
static struct hoard hoard;

static bool test_fragmented(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;

	if (!hoard_take(&hoard))
		return false;
	for (policy = kvdemo_policies; policy < policies_end; policy++)
		good &= falls_back_for_real(&hoard, policy);
	hoard_give(&hoard);
	return good;
}

/*
 * How many of these tries are not made. @missed counts those that are made, and fail,
 * within the jiffy in which the try before them had begun to fail.
 */
static unsigned int skipped(unsigned int tries, gfp_t gfp, unsigned int *missed)
{
	const struct kvdemo_policy *policy = &kvdemo_policies[KVDEMO_BACKOFF];
	unsigned long start, failed = jiffies - 1;
	struct kvdemo_result res;
	unsigned int hits = 0;

	while (tries--) {
		start = jiffies;
		kvdemo_kvfree(alloc_fragmented(&hoard, policy, gfp, &res));
		/* the reason of a request without a fallback is no-memory */
		if (res.kmalloc_ns == KVDEMO_NS_NONE) {
			hits++;
			continue;
		}
		*missed += !time_after(jiffies, failed);
		failed = start;
	}
	return hits;
}

/* In a rest, too, who may not fall back is tried for; here without a result. */
static bool bound_is_tried(void)
{
	const struct kvdemo_policy *policy = &kvdemo_policies[KVDEMO_BACKOFF];
	struct kvdemo_result res;
	bool good = true;
	int i;

	for (i = 0; i < 10; i++) {
		kvdemo_kvfree(alloc_fragmented(&hoard, policy, GFP_KERNEL, &res));
		watch(FRAGMENTED_SIZE);
		kvdemo_kvfree(alloc(policy, FRAGMENTED_SIZE, GFP_KERNEL | __GFP_THISNODE,
				    NULL));
		unwatch();
		good &= CHECK(seen.calls, "no call of kmalloc");
	}
	return good;
}

static bool contiguous(void)
{
	struct kvdemo_result res;

	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_BACKOFF], FRAGMENTED_SIZE,
			    GFP_KERNEL, &res));
	return res.why == KVDEMO_WHY_CONTIGUOUS;
}

static bool backoff_on_this_cpu(void)
{
	unsigned int hits, tries, missed = 0;
	unsigned long deadline;
	bool good = true;

	good &= CHECK(contiguous(), "idle memory");
	if (!hoard_take(&hoard))
		return false;
	hits = skipped(1, GFP_KERNEL, &missed);
	good &= CHECK(!hits, "the first try must be made");
	/*
	 * A rest lasts 4 ms. Under KASAN, and on a busy host, a request takes longer
	 * (16 KiB pages, 5 s: none fell into a rest): only what missed one is a fault.
	 */
	deadline = jiffies + 5 * HZ;
	hits = 0;
	while (hits < 100 && time_before(jiffies, deadline))
		hits += skipped(10, GFP_KERNEL, &missed);
	good &= CHECK(hits || missed < 10, "no try was skipped, and %u had to be", missed);
	hits = skipped(10, GFP_KERNEL | __GFP_RETRY_MAYFAIL, &missed);
	good &= CHECK(!hits, "RETRY_MAYFAIL was skipped %u times", hits);
	hits = skipped(10, GFP_KERNEL | __GFP_THISNODE, &missed);
	good &= CHECK(!hits, "THISNODE was skipped %u times", hits);
	good &= bound_is_tried();
	hoard_give(&hoard);

	/* The bar: contiguous again within 64 allocations or 100 ms */
	deadline = jiffies + HZ / 10;
	for (tries = 1; !contiguous(); tries++)
		if (!CHECK(tries < 64 || time_before(jiffies, deadline),
			   "not contiguous after %u tries", tries))
			return false;
	return good & CHECK(contiguous(), "a success must reset it");
}

/* Each CPU has a memory of its own. */
static bool test_backoff(void)
{
	static cpumask_t allowed;
	bool good;

	cpumask_copy(&allowed, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	good = backoff_on_this_cpu();
	set_cpus_allowed_ptr(current, &allowed);
	return good;
}

static const struct test {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "path and why at every boundary, one byte less and more", test_boundaries },
	{ "contents survive on every path", test_contents },
	{ "__GFP_ZERO gives zeroes on every path", test_zero },
	{ "force_fallback acts above PAGE_SIZE", test_forced },
	{ "gfp of the contiguous try, as kmem:kmalloc reports it", test_gfp },
	{ "gfp of the fallback, as a kprobe on vmalloc sees it", test_vmalloc_gfp },
	{ "agreement with this kernel's kvmalloc_node", test_native },
	{ "the node is honoured and told", test_node },
	{ "size 0 gives ZERO_SIZE_PTR under every policy", test_zero_size },
	{ "more than INT_MAX bytes are refused", test_too_large },
	{ "INT_MAX bytes are not", test_int_max },
	{ "a zone or __GFP_THISNODE gets no fallback", test_bound },
	{ "__GFP_DMA32 gets nothing", test_dma32 },
	{ "the kvmalloc family, and its overflows", test_family },
	{ "prices of the steps that were taken", test_prices },
	{ "inspection agrees with a walk of the pages", test_inspect },
	{ "names of policies, paths and reasons", test_names },
	{ "fragmented memory makes each policy fall back", test_fragmented },
	{ "backoff skips, obeys RETRY_MAYFAIL, and recovers", test_backoff },
	/* Add a test here, and raise the plan in tests/30-wrapper.t. */
};

/*
 * The contract, in a boot with panic_on_warn=0: the caller of insmod counts the
 * warnings, this checks what the request got.
 */

static bool warn_gfp(void)
{
	struct kvdemo_result res;
	void *p = alloc(&kvdemo_policies[KVDEMO_NORETRY], KMALLOC_MAX_SIZE + 1,
			GFP_NOWAIT, &res);
	bool good = CHECK(!p && res.why == KVDEMO_WHY_NO_MEMORY &&
			  res.vmalloc_ns == KVDEMO_NS_NONE, "no fallback");

	p = alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_NOFS, &res);
	good &= CHECK(res.path == KVDEMO_PATH_PAGES, "kmalloc only");
	kvdemo_kvfree(p);
	return good;
}

static bool warn_noretry(void)
{
	return CHECK(!kvdemo_kvmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NORETRY),
		     "no fallback");
}

static bool warn_nofail(void)
{
	bool good = CHECK(!kvdemo_kvmalloc(KMALLOC_MAX_SIZE + 1,
					   GFP_KERNEL | __GFP_NOFAIL), "no fallback");

	watch(COSTLY_SIZE);
	kvdemo_kvfree(kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL | __GFP_NOFAIL));
	unwatch();
	return good & CHECK(seen.calls && !(seen.gfp & __GFP_NOFAIL), "%pGg", &seen.gfp);
}

static bool warn_int_max(void)
{
	bool good = CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1, GFP_KERNEL), "NULL");

	return good & CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1,
					     GFP_KERNEL | __GFP_NOWARN), "NULL");
}

static const struct test warnings[] = {
	{ "flags that are no superset of GFP_KERNEL warn, and get kmalloc only", warn_gfp },
	{ "__GFP_NORETRY from a caller warns, and gets kmalloc only", warn_noretry },
	{ "__GFP_NOFAIL from a caller warns, and gets kmalloc only", warn_nofail },
	{ "more than INT_MAX bytes warn without __GFP_NOWARN", warn_int_max },
};

static void run(const struct test *test, int number)
{
	bool good;

	skip = NULL;
	good = test->run();
	pr_info("%sok %d - %s%s%s\n", good ? "" : "not ", number, test->name,
		skip ? " # SKIP " : "", skip ?: "");
}

/* The verdict is the TAP in the log, not the result of insmod. */
static int __init kvdemo_test_init(void)
{
	int i, err;

	if (warn < 0 || warn > ARRAY_SIZE(warnings)) {
		pr_err("warn=%d is out of range: allowed is 0 to %zu\n", warn,
		       ARRAY_SIZE(warnings));
		return -ERANGE;
	}
	if (proving)
		return 0;
	err = kvdemo_compat_trace(register)(probe, NULL);
	if (err)
		return err;
	init_sizes();
	if (warn)
		run(&warnings[warn - 1], warn);
	for (i = 0; !warn && i < ARRAY_SIZE(tests); i++) {
		if (strstr(tests[i].name, only))
			run(&tests[i], i + 1);
		cond_resched();
	}
	kvdemo_compat_trace(unregister)(probe, NULL);
	tracepoint_synchronize_unregister();
	return 0;
}

static void __exit kvdemo_test_exit(void)
{
}

module_init(kvdemo_test_init);
module_exit(kvdemo_test_exit);

MODULE_DESCRIPTION("Tests of kvdemo's API, TAP in the kernel log");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
