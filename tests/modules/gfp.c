// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gfp of each step, as the kernel's own events and a kprobe tell it, and the
 * agreement with the running kernel's kvmalloc_node().
 */
#include <linux/kprobes.h>
#include <trace/events/kmem.h>

#include "test.h"

static char *native = "";
module_param(native, charp, 0);
MODULE_PARM_DESC(native, "the policy that must equal this kernel's kvmalloc_node(): noretry or noreclaim");

/* The guest script sets these, because kvdemo_compat.h would hide its own mistakes. */
static bool mayfail = true;
module_param(mayfail, bool, 0);
MODULE_PARM_DESC(mayfail, "0: this kernel's __vmalloc() takes no __GFP_RETRY_MAYFAIL");
static bool nomemalloc = true;
module_param(nomemalloc, bool, 0);
MODULE_PARM_DESC(nomemalloc, "0: this kernel's __vmalloc() takes no __GFP_NOMEMALLOC");

struct seen seen;

static void probe(void *data, unsigned long call_site, const void *ptr,
		  KVDEMO_COMPAT_TRACE_CACHE size_t req, size_t alloc, gfp_t gfp, int node)
{
	if (current != seen.task || req != seen.size)
		return;
	if (!seen.calls++)
		seen.gfp = gfp;
	/* From 6.12 on a large kmalloc has two events; the first names a function of kmalloc. */
	seen.caller = call_site;
}

/* From here on @seen is about calls of this size by this task. */
void watch(size_t size)
{
	seen = (struct seen){ .size = size };
	WRITE_ONCE(seen.task, current);
}

void unwatch(void)
{
	WRITE_ONCE(seen.task, NULL);
}

int watch_init(void)
{
	return kvdemo_compat_trace(register)(probe, NULL);
}

void watch_exit(void)
{
	kvdemo_compat_trace(unregister)(probe, NULL);
	tracepoint_synchronize_unregister();
}

/* The kernel's records name the driver and not the wrapper, at sizes of a cache and above. */
bool test_callers(void)
{
	static const size_t asked[] = { 1024, COSTLY_SIZE };
	struct kvdemo_result res;
	bool good = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		watch(asked[i]);
		kvdemo_kvfree(kvdemo_kvmalloc(asked[i], GFP_KERNEL));
		good &= CHECK(within_module(seen.caller, THIS_MODULE), "%pS", (void *)seen.caller);
		watch(asked[i]);
		kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_BACKOFF], asked[i], GFP_KERNEL, NULL));
		good &= CHECK(within_module(seen.caller, THIS_MODULE), "%pS", (void *)seen.caller);
		watch(asked[i]);
		kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_NORETRY], asked[i], GFP_KERNEL, &res));
		good &= CHECK(within_module(seen.caller, THIS_MODULE), "%pS", (void *)seen.caller);
	}
	unwatch();
	return good;
}

static const gfp_t extras[] = { 0, __GFP_ZERO, __GFP_ACCOUNT, __GFP_NOWARN, __GFP_HIGH,
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
	if (id == KVDEMO_BACKOFF && !mayfail)
		gfp = (gfp | __GFP_NOMEMALLOC) & ~__GFP_HIGH;
	if (id == KVDEMO_NORECLAIM || id == KVDEMO_BACKOFF)
		return mayfail ? gfp : gfp & ~__GFP_DIRECT_RECLAIM;
	return mayfail && size > COSTLY_SIZE ? gfp : gfp | __GFP_NORETRY;
}

static bool gfp_is_expected(enum kvdemo_policy_id id, size_t size, gfp_t gfp)
{
	bool tries = id != KVDEMO_BACKOFF || size <= KMALLOC_MAX_SIZE;
	gfp_t expected = expected_gfp(id, size, gfp);

	watch(size);
	kvdemo_kvfree(alloc(&kvdemo_policies[id], size, gfp, NULL));
	unwatch();
	return CHECK(!!seen.calls == tries, "size=%zu policy=%s: %u calls of kmalloc",
		     size, kvdemo_policies[id].name, seen.calls) &&
	       CHECK(!tries || seen.gfp == expected,
		     "size=%zu policy=%s: tried with %pGg, expected %pGg", size,
		     kvdemo_policies[id].name, &seen.gfp, &expected);
}

bool test_gfp(void)
{
	static const enum kvdemo_policy_id ids[] = {
		KVDEMO_NORETRY, KVDEMO_NORECLAIM, KVDEMO_BACKOFF, KVDEMO_KMALLOC,
	};
	unsigned int i, j, k;
	bool good = true;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		for (j = 0; j < NR_SIZES; j++) {
			for (k = 0; k < ARRAY_SIZE(extras); k++)
				good &= gfp_is_expected(ids[i], sizes[j], GFP_KERNEL | extras[k]);
			good &= gfp_is_expected(ids[i], sizes[j], GFP_KERNEL | __GFP_THISNODE);
		}
	}
	watch(COSTLY_SIZE);
	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_KERNEL, NULL));
	kvdemo_kvfree(alloc_on(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE, GFP_KERNEL,
			       NUMA_NO_NODE, true, NULL));
	unwatch();
	return good & CHECK(!seen.calls, "vmalloc and forced must not call kmalloc");
}

/*
 * The gfp that __vmalloc() gets, read by a kprobe: every bit that it takes is
 * passed on, and none that it does not.
 */
static gfp_t vmalloc_gfp;

static int see_vmalloc(struct kprobe *kp, struct pt_regs *regs)
{
	if (current == seen.task)
		vmalloc_gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);
	return 0;
}

static bool forced_on_node(gfp_t gfp, int node)
{
	bool good, near;
	void *p;

	vmalloc_gfp = 0;
	watch(COSTLY_SIZE);
	near = numa_mem_id() == node;
	p = alloc_on(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE, gfp, node, true, NULL);
	near &= numa_mem_id() == node;
	unwatch();
	good = CHECK(kvdemo_path(p) == KVDEMO_PATH_VMALLOC, "%pGg", &gfp);
	/* This CPU's node is to be served without the form with a node, which asks for blocks. */
	good &= CHECK(!near || vmalloc_gfp, "node=%d of this CPU went another way", node);
	kvdemo_kvfree(p);
	return good;
}

bool test_vmalloc_gfp(void)
{
	struct kprobe kp = {
		.symbol_name = __stringify(__vmalloc_noprof),
		.pre_handler = see_vmalloc,
	};
	const gfp_t asked = __GFP_RECLAIMABLE | __GFP_COMP | __GFP_NOMEMALLOC;
	bool good = true;
	unsigned int i;
	gfp_t wanted;
	int node;

	if (!CHECK(!register_kprobe(&kp), "register_kprobe"))
		return false;
	for (i = 0; i < ARRAY_SIZE(extras); i++) {
		good &= forced_on_node(GFP_KERNEL | extras[i] | asked, NUMA_NO_NODE);
		wanted = GFP_KERNEL | extras[i];
		if (nomemalloc)
			wanted |= __GFP_NOMEMALLOC;
		/* with either flag the OOM killer is not called */
		if (!mayfail && wanted & __GFP_RETRY_MAYFAIL)
			wanted ^= __GFP_RETRY_MAYFAIL | __GFP_NORETRY;
		good &= CHECK(vmalloc_gfp == wanted, "%pGg, expected %pGg", &vmalloc_gfp, &wanted);
	}
	/* Another node is served by another function: it warns about other bits. */
	for_each_online_node(node)
		for (i = 0; i < ARRAY_SIZE(extras); i++)
			good &= forced_on_node(GFP_KERNEL | extras[i] | asked, node);
	unregister_kprobe(&kp);
	return good;
}

/* 4.13 let RETRY_MAYFAIL replace NORETRY at every order; ours keeps 4.12. */
static bool differs_on_purpose(const struct kvdemo_policy *policy, size_t size, gfp_t gfp)
{
	return is_policy(policy, KVDEMO_NORETRY) && gfp & __GFP_RETRY_MAYFAIL &&
	       size > PAGE_SIZE && size <= COSTLY_SIZE;
}

/* With the kernel's own function, and the reason with that of policy native */
bool agrees(const struct kvdemo_policy *policy, size_t size, gfp_t gfp)
{
	struct kvdemo_result theirs, ours;
	enum kvdemo_path path;
	struct seen native;
	void *p;

	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_NATIVE], size, gfp, &theirs));
	watch(size);
	p = kvmalloc_node(size, gfp, NUMA_NO_NODE);
	path = real_path(p);
	kvfree(p);
	native = seen;
	watch(size);
	kvdemo_kvfree(alloc(policy, size, gfp, &ours));
	unwatch();
	if (differs_on_purpose(policy, size, gfp))
		native.gfp |= __GFP_NORETRY;
	return CHECK(native.calls && seen.calls == native.calls && seen.gfp == native.gfp,
		     "size=%zu policy=%s gfp=%pGg: %u calls with %pGg, native %u with %pGg", size,
		     policy->name, &gfp, seen.calls, &seen.gfp, native.calls, &native.gfp) &
	       CHECK(ours.path == path && ours.why == theirs.why,
		     "size=%zu policy=%s gfp=%pGg: %s/%s, native %s/%s", size, policy->name, &gfp,
		     kvdemo_path_name(ours.path), kvdemo_why_name(ours.why),
		     kvdemo_path_name(path), kvdemo_why_name(theirs.why));
}

bool test_native(void)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(native);
	bool good = true;
	unsigned int i, j;

	if (!CHECK(policy, "native=%s names no policy", native))
		return false;
	for (i = 0; i < NR_SIZES; i++)
		for (j = 0; j < ARRAY_SIZE(extras); j++)
			good &= agrees(policy, sizes[i], GFP_KERNEL | extras[j]);
	return good;
}
