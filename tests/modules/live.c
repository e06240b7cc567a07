// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvdemo_live.ko, from the side of a caller: the kernel's own kvmalloc with every flag.
 *
 * live: "unhooked" notes what each call came to; "POLICY" calls again, while the policy
 * is in force for this module, and compares. Each call is made for no node, and for each
 * of the first two. Kprobes on the page allocator and on the fallback see what arrives
 * there; they are set before kvdemo_live.ko comes, so that where both use ftrace they run
 * after its hooks.
 *
 * live_random: "SEED N": N random requests, whose contents are checked.
 *
 * live_short: calls until one gets no memory. space: vmalloc's address space is taken.
 * group: this task's memory cgroup is full.
 *
 * live_leaked: how many attempts reached the page allocator with __GFP_WRITE, the mark of
 * kvdemo_live.ko, while the probes were set.
 *
 * live_liar: 1: a probe on kvmalloc adds a flag to what insmod asks for. 0: it does not.
 */
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>

#include "live/compat.h"
#include "test.h"

#define LIVE_RANDOM_BITS	18

static const struct {
	const char *name;
	gfp_t gfp;
} flags[] = {
	{ "GFP_KERNEL", GFP_KERNEL },
	{ "NOFS", GFP_NOFS },
	{ "NOIO", GFP_NOIO },
	{ "NOFAIL", GFP_KERNEL | __GFP_NOFAIL },
	{ "ACCOUNT", GFP_KERNEL_ACCOUNT },
	{ "ZERO", GFP_KERNEL | __GFP_ZERO },
	{ "RETRY_MAYFAIL", GFP_KERNEL | __GFP_RETRY_MAYFAIL },
	{ "NORETRY", GFP_KERNEL | __GFP_NORETRY },
	{ "THISNODE", GFP_KERNEL | __GFP_THISNODE },
	{ "DMA", GFP_KERNEL | __GFP_DMA },
	{ "NOWAIT", GFP_NOWAIT },
	{ "ATOMIC", GFP_ATOMIC },
};

/* In a cache, at two orders, and beyond the attempt */
static const size_t asked[] = {
	KMALLOC_MAX_CACHE_SIZE, 3 * PAGE_SIZE, COSTLY_SIZE + 1, KMALLOC_MAX_SIZE + 1,
};

/* A call for no node, and for the nodes 0 and 1 */
#define LIVE_NODES	3

/*
 * How a call was served. @try is the gfp of the first block that it asked for, and @fallback
 * that of the fallback. @there: each page is on the node that was asked for.
 */
struct came {
	enum kvdemo_path path;
	gfp_t try, fallback;
	bool tried, fell, there;
};

static struct came unhooked[LIVE_NODES][ARRAY_SIZE(flags)][ARRAY_SIZE(asked)];

static struct came came;
static struct task_struct *caller;
static size_t caller_size;

static unsigned int leaked;
module_param_named(live_leaked, leaked, uint, 0400);

static int on_pages(struct kprobe *kp, struct pt_regs *regs)
{
	gfp_t gfp = (__force gfp_t)kvdemo_compat_argument(regs, 0);
	unsigned int order = kvdemo_compat_argument(regs, 1);

	/* The page cache also passes this flag, for single pages. */
	if (order > 1 && gfp & __GFP_WRITE && current != caller)
		leaked++;
	if (current != caller || came.tried || came.fell || order < get_order(caller_size))
		return 0;
	came.tried = true;
	came.try = gfp;
	return 0;
}

static int on_fallback(struct kprobe *kp, struct pt_regs *regs)
{
	if (current != caller || came.fell)
		return 0;
	came.fell = true;
	came.fallback = (__force gfp_t)kvdemo_compat_argument(regs, KVDEMO_COMPAT_FALLBACK_GFP);
	return 0;
}

/* A probe that was registered before has an address and flags, which register_kprobe() refuses. */
static int arm(struct kprobe *probe, const char *symbol)
{
	probe->addr = NULL;
	probe->flags = 0;
	probe->symbol_name = symbol;
	return register_kprobe(probe);
}

/* Stands for somebody else's tool that changes the arguments of a call */
static int lie(struct kprobe *kp, struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	if (!strcmp(current->comm, "insmod"))
		*kvdemo_compat_x86_arg(regs, KVDEMO_COMPAT_GFP_ARG) |=
			(__force unsigned long)__GFP_NORETRY;
#endif
	return 0;
}

static struct kprobe liar = {
	.symbol_name = __stringify(kvdemo_compat_kvmalloc), .pre_handler = lie,
};

static bool lies;

static int liar_set(const char *val, const struct kernel_param *kp)
{
	bool wanted;
	int err = kstrtobool(val, &wanted);

	if (err || wanted == lies)
		return err;
	if (wanted)
		err = arm(&liar, liar.symbol_name);
	else
		unregister_kprobe(&liar);
	lies = !err && wanted;
	return err;
}

module_param_cb(live_liar, &run_ops, liar_set, 0200);

static struct kprobe probes[] = {
	{ .pre_handler = on_pages }, { .pre_handler = on_fallback },
};

static const char * const symbols[][3] = {
	{ "__alloc_frozen_pages_noprof", "__alloc_pages_noprof", kvdemo_compat_alloc_pages },
	{ KVDEMO_COMPAT_FALLBACK },
};

static bool probed;

static int probe_both(void)
{
	int i, j, err = 0;

	for (i = 0; i < ARRAY_SIZE(probes) && !probed; i++) {
		err = -ENOENT;
		for (j = 0; j < ARRAY_SIZE(symbols[i]) && symbols[i][j] && err; j++)
			err = arm(&probes[i], symbols[i][j]);
		if (err) {
			while (i--)
				unregister_kprobe(&probes[i]);
			return err;
		}
	}
	probed = true;
	return 0;
}

/* For the exit of the module */
void live_exit(void)
{
	int i;

	if (lies)
		unregister_kprobe(&liar);
	for (i = 0; i < ARRAY_SIZE(probes) && probed; i++)
		unregister_kprobe(&probes[i]);
}

/* Where the kernel gives no fallback, so large a request fails, and must not warn. */
static gfp_t gfp_for(gfp_t gfp, size_t size)
{
	return size > KMALLOC_MAX_SIZE ? gfp | __GFP_NOWARN : gfp;
}

static bool left_out(gfp_t gfp, size_t size)
{
	/* 5.10 warns of NOFAIL, and the zone of DMA is small. */
	return (gfp & __GFP_NOFAIL && kvdemo_compat_unsupported(gfp)) ||
	       (gfp & __GFP_DMA && size > KMALLOC_MAX_SIZE);
}

/* Is the buffer zeroed if it has to be, and usable? Frees it. */
static bool is_good(void *p, size_t size, gfp_t gfp)
{
	bool good = true;

	if (p && gfp & __GFP_ZERO)
		good = CHECK(!memchr_inv(p, 0, size), "%pGg size=%zu: not zero", &gfp, size);
	if (p)
		good &= CHECK(keeps_contents(p, size), "%pGg size=%zu", &gfp, size);
	kvfree(p);
	return good;
}

/* A name that might be taken for that of a tracer's trampoline. */
static noinline bool call_trampoline(gfp_t gfp, size_t size, int node, struct came *to)
{
	void *p;

	memset(&came, 0, sizeof(came));
	caller_size = size;
	WRITE_ONCE(caller, current);
	p = kvmalloc_node(size, gfp, node);
	WRITE_ONCE(caller, NULL);
	came.path = real_path(p);
	came.there = p && node != NUMA_NO_NODE && on_node(p, size, node);
	*to = came;
	return is_good(p, size, gfp);
}

/* The rules once more, written down from the specification and not from the module */
static bool is_cured(gfp_t gfp, size_t size)
{
	return size <= KMALLOC_MAX_SIZE && kvdemo_compat_falls_back(gfp) &&
	       !(gfp & (__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE | __GFP_DMA));
}

static void expect(const struct kvdemo_policy *policy, gfp_t gfp, size_t size, struct came *to)
{
	bool cached = size <= KMALLOC_MAX_CACHE_SIZE;

	if (!is_cured(gfp, size) || policy->native)
		return;
	if (!policy->tries && !(gfp & __GFP_NOFAIL))
		to->path = KVDEMO_PATH_VMALLOC;
	else if (!cached && is_policy(policy, KVDEMO_NORETRY))
		to->try |= __GFP_DIRECT_RECLAIM | __GFP_NORETRY;
	else if (!cached && policy->tries)
		to->try &= ~(__GFP_DIRECT_RECLAIM | __GFP_NORETRY);
	if (!cached && policy->tries)
		to->try |= policy->set & __GFP_NOMEMALLOC;
}

static bool compare(const struct kvdemo_policy *policy, unsigned int f, unsigned int s, int node)
{
	gfp_t gfp = gfp_for(flags[f].gfp, asked[s]);
	struct came want = unhooked[node + 1][f][s], got;
	bool good = call_trampoline(gfp, asked[s], node, &got);

	expect(policy, gfp, asked[s], &want);
	good &= CHECK(got.path == want.path, "%s size=%zu: path %s, expected %s", flags[f].name,
		      asked[s], kvdemo_path_name(got.path), kvdemo_path_name(want.path));
	good &= CHECK(got.there == want.there, "%s size=%zu: %s pages of node %d", flags[f].name,
		      asked[s], kvdemo_path_name(got.path), node);
	/* A cache takes its pages as it likes, and a skipped attempt none. */
	if (asked[s] > KMALLOC_MAX_CACHE_SIZE && got.path != KVDEMO_PATH_VMALLOC)
		good &= CHECK(got.tried && got.try == want.try,
			      "%s size=%zu: tried with %pGg, expected %pGg", flags[f].name,
			      asked[s], &got.try, &want.try);
	if (!want.fell || !got.fell)
		return good;
	/* Elsewhere the probe comes before the hook. */
	if (!IS_ENABLED(CONFIG_X86))
		got.fallback &= ~__GFP_WRITE;
	return good & CHECK(got.fallback == want.fallback,
			    "%s size=%zu: fell back with %pGg, expected %pGg", flags[f].name,
			    asked[s], &got.fallback, &want.fallback);
}

/* A kmalloc of somebody else with the flag that is the mark keeps it, and its memory. */
static bool keeps_foreign(void)
{
	struct came ignored;
	bool good = true;
	unsigned int s;
	void *p;

	for (s = 1; s < ARRAY_SIZE(asked) - 1; s++) {
		/* a kvmalloc of that size before, whose slot kvdemo_live still has */
		good &= call_trampoline(GFP_KERNEL, asked[s], NUMA_NO_NODE, &ignored);
		memset(&came, 0, sizeof(came));
		WRITE_ONCE(caller, current);
		p = kmalloc(asked[s], GFP_KERNEL | __GFP_NOWARN | __GFP_WRITE);
		WRITE_ONCE(caller, NULL);
		good &= CHECK(p && (!came.tried || came.try & __GFP_WRITE), "size=%zu: %pGg",
			      asked[s], &came.try);
		kfree(p);
	}
	return good;
}

static void call_in_interrupt(struct irq_work *work)
{
	kvfree(kvmalloc(asked[1], GFP_ATOMIC | __GFP_NOWARN));
}

/* An interrupt may be a new caller. Lockdep tells if the hooks take a lock wrongly there. */
static void interrupt(void)
{
	struct irq_work work;

	init_irq_work(&work, call_in_interrupt);
	irq_work_queue(&work);
	irq_work_sync(&work);
}

static bool each(const struct kvdemo_policy *policy, int node)
{
	unsigned int f, s;
	bool good = true;

	for (f = 0; f < ARRAY_SIZE(flags); f++) {
		for (s = 0; s < ARRAY_SIZE(asked); s++) {
			gfp_t gfp = gfp_for(flags[f].gfp, asked[s]);

			if (left_out(gfp, asked[s]))
				continue;
			if (policy)
				good &= compare(policy, f, s, node);
			else
				good &= call_trampoline(gfp, asked[s], node,
							&unhooked[node + 1][f][s]);
		}
	}
	return good;
}

static int live_set(const char *val, const struct kernel_param *kp)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	char name[16];
	int err, node;

	strscpy(name, val, sizeof(name));
	policy = kvdemo_policy_find(strim(name));
	if (!policy && strcmp(name, "unhooked"))
		return -EINVAL;
	err = probe_both();
	if (err)
		return err;
	for (node = NUMA_NO_NODE; node < min_t(int, nr_online_nodes, LIVE_NODES - 1); node++)
		good &= each(policy, node);
	good &= keeps_foreign();
	interrupt();
	return good ? 0 : -EIO;
}

module_param_cb(live, &run_ops, live_set, 0200);

static bool one_random(u64 *state)
{
	unsigned int f = next_random(state) % ARRAY_SIZE(flags);
	size_t size = random_size(state, LIVE_RANDOM_BITS);
	gfp_t gfp = flags[f].gfp | __GFP_NOWARN;
	int node = next_random(state) % 2 ? NUMA_NO_NODE : numa_mem_id();

	/* Up to 6.12 the page allocator warns of an order above 1 that must not fail. */
	if (left_out(gfp, size) || gfp & __GFP_NOFAIL)
		return true;
	return is_good(kvmalloc_node(size, gfp, node), size, gfp);
}

static int live_random_set(const char *val, const struct kernel_param *kp)
{
	unsigned int n, i;
	bool good = true;
	char more;
	u64 seed;

	if (sscanf(val, "%llu %u %c", &seed, &n, &more) != 2 || !seed)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		good &= one_random(&seed);
		cond_resched();
	}
	return good ? 0 : -EIO;
}

module_param_cb(live_random, &run_ops, live_random_set, 0200);

/* Calls until one gets no memory; NOWARN: that failure is wanted. */
#define SHORT_SIZE	SZ_256K
#define SHORT_CALLS	512

static bool runs_out(gfp_t gfp)
{
	void *chain = NULL, **p;
	unsigned int n = 0;

	while (n++ < SHORT_CALLS) {
		p = kvmalloc(SHORT_SIZE, gfp | __GFP_NOWARN);
		if (!p)
			break;
		*p = chain;
		chain = p;
	}
	while (chain) {
		p = chain;
		chain = *p;
		kvfree(p);
	}
	return CHECK(n <= SHORT_CALLS, "%u calls got memory", n - 1);
}

#if defined(CONFIG_X86_64) && !defined(CONFIG_KASAN)
/*
 * Mappings of devices that do not exist take all of vmalloc's address space. With pages
 * of 1 GiB they need only a few page tables. Each has a guard page behind it.
 */
static bool without_space(void)
{
	const phys_addr_t nowhere = 1ull << (boot_cpu_data.x86_phys_bits - 1);
	static void __iomem *maps[1024];
	size_t size = nowhere / 2;
	unsigned int n = 0;
	bool good;

	while (size >= SHORT_SIZE && n < ARRAY_SIZE(maps)) {
		maps[n] = ioremap(nowhere, size - PAGE_SIZE);
		if (maps[n])
			n++;
		else
			size /= 2;
	}
	good = CHECK(n < ARRAY_SIZE(maps), "there is still space") & runs_out(GFP_KERNEL);
	while (n)
		iounmap(maps[--n]);
	return good;
}
#else
static bool without_space(void)
{
	return CHECK(false, "a mapping needs tables, or a shadow, as large as itself");
}
#endif

static int live_short_set(const char *val, const struct kernel_param *kp)
{
	if (sysfs_streq(val, "space"))
		return without_space() ? 0 : -EIO;
	if (sysfs_streq(val, "group"))
		return runs_out(GFP_KERNEL_ACCOUNT) ? 0 : -EIO;
	return -EINVAL;
}

module_param_cb(live_short, &run_ops, live_short_set, 0200);
