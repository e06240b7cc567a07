// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo.ko, read dmesg, rmmod kvdemo.
 *
 * On load, each size is allocated under the policy, filled with a pattern,
 * verified, logged and freed: one line says which path was taken, why, and what
 * the try and the fallback cost. Without parameters the sizes are the
 * boundaries of the running kernel, so both paths are seen.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "kvdemo_observe.h"

#define MAX_SIZES	32
#define MAX_COUNT	1000
#define ECHO_LEN	64

/* A default cap is this share of low memory, and of what is available of it */
#define CAP_SHARE	8
#define CAP_FREE_SHARE	4

/* What an allocation takes beside its bytes: the tables of a vmalloc area */
#define OVERHEAD	256

/* How much memory is touched before others get a turn */
#define CHUNK		SZ_1M

struct item {
	size_t size;
	bool force_fallback;
};

static struct {
	struct item items[MAX_SIZES];
	unsigned int nr_items;
	struct kvdemo_request rq;
	unsigned int count;
	bool zero;
	bool hold;
	bool force_fallback;
	u64 cap;
	int err;
} demo = {
	.rq = {
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
	},
	.count = 1,
};

struct buf {
	struct list_head list;
	void *p;
	size_t size;
};

static LIST_HEAD(held);

/* What the module itself took and gave back; the difference is a leak. */
static struct {
	unsigned long taken, given;
	u64 taken_bytes, given_bytes;
	unsigned long failed;
	unsigned long paths[KVDEMO_NR_PATHS];
	u64 kmalloc_ns, vmalloc_ns;
} total;

/* Parameters */

/*
 * Only the first bad value is told, and init fails with its error: a setter that
 * fails makes the kernel print a line of its own, with the whole value.
 */
static int bad_value(const char *name, const char *val, size_t len, int err,
		     const char *allowed)
{
	if (demo.err)
		return 0;
	demo.err = err;
	pr_err("%s=%*pE%s is %s: allowed is %s\n", name,
	       (int)min_t(size_t, len, ECHO_LEN), val,
	       len > ECHO_LEN ? "..." : "",
	       err == -ERANGE ? "out of range" : "invalid", allowed);
	return 0;
}

static int bad_param(const struct kernel_param *kp, const char *val, int err,
		     const char *allowed)
{
	return bad_value(kp->name, val ?: "", val ? strlen(val) : 0, err,
			 allowed);
}

/* The kernel's parsers take a sign and a trailing newline; here neither counts. */
static bool is_number(const char *val)
{
	return val && isdigit(val[0]) && !strpbrk(val, " \t\n");
}

/* A decimal or 0x number with an optional K, M or G, as in 64K. */
static int parse_size(const char *word, size_t len, u64 *size)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	const char *unit;
	char digits[24];
	int err;

	if (!len || len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, word, len);
	digits[len] = '\0';
	if (!is_number(digits))
		return -EINVAL;
	unit = strchr(units, toupper(digits[len - 1]));
	if (unit) {
		shift = 10 * (unit - units + 1);
		digits[len - 1] = '\0';
	}
	/* base 0 would read 0100 as 64 */
	err = kstrtou64(digits, digits[1] == 'x' ? 16 : 10, size);
	if (err)
		return err;
	if (*size > U64_MAX >> shift)
		return -ERANGE;
	*size <<= shift;
	return 0;
}

#define SIZES_ALLOWED \
	"1 to 32 sizes joined by a comma, each bytes with an optional K, M or G, at most INT_MAX"

static int set_sizes(const char *val, const struct kernel_param *kp)
{
	const char *word = val;
	unsigned int n = 0;
	size_t len;
	u64 size;
	int err;

	do {
		if (!word || n == MAX_SIZES)
			return bad_param(kp, val, -EINVAL, SIZES_ALLOWED);
		len = strcspn(word, ",");
		err = parse_size(word, len, &size);
		if (!err && size > INT_MAX)
			err = -ERANGE;
		if (err)
			return bad_value(kp->name, len ? word : val,
					 len ?: strlen(val), err, SIZES_ALLOWED);
		demo.items[n++].size = size;
		word += len;
	} while (*word++ == ',');
	demo.nr_items = n;
	return 0;
}

static int set_policy(const char *val, const struct kernel_param *kp)
{
	const struct kvdemo_policy *policy = val ? kvdemo_policy_find(val) : NULL;
	char allowed[96];
	int i, len = 0;

	if (policy) {
		demo.rq.policy = policy;
		return 0;
	}
	for (i = 0; i < KVDEMO_NR_POLICIES; i++)
		len += scnprintf(allowed + len, sizeof(allowed) - len, "%s%s",
				 i ? ", " : "", kvdemo_policies[i].name);
	return bad_param(kp, val, -EINVAL, allowed);
}

static int set_node(const char *val, const struct kernel_param *kp)
{
	int node = NUMA_NO_NODE, err = 0;
	char allowed[96];

	if (!val || strcmp(val, "-1"))
		err = is_number(val) ? kstrtoint(val, 10, &node) : -EINVAL;
	if (!err && (node == NUMA_NO_NODE ||
		     (node >= 0 && node < nr_node_ids && node_online(node)))) {
		demo.rq.node = node;
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "-1 (any) or an online node: %*pbl",
		 nodemask_pr_args(&node_online_map));
	return bad_param(kp, val, err ?: -EINVAL, allowed);
}

static const struct {
	const char *name;
	gfp_t gfp;
} gfp_words[] = {
	{ "GFP_KERNEL", GFP_KERNEL },
	{ "GFP_KERNEL_ACCOUNT", GFP_KERNEL_ACCOUNT },
	{ "__GFP_ZERO", __GFP_ZERO },
	{ "__GFP_NOWARN", __GFP_NOWARN },
	{ "__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL },
};

static gfp_t gfp_of_word(const char *word, size_t len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(gfp_words); i++)
		if (strlen(gfp_words[i].name) == len &&
		    !strncmp(gfp_words[i].name, word, len))
			return gfp_words[i].gfp;
	return 0;
}

static int set_gfp(const char *val, const struct kernel_param *kp)
{
	const char *word = val ?: "";
	gfp_t bits, gfp = 0;
	size_t len;

	do {
		len = strcspn(word, "|");
		bits = gfp_of_word(word, len);
		gfp |= bits;
		word += len;
	} while (bits && *word++ == '|');
	if (!bits || (gfp & GFP_KERNEL) != GFP_KERNEL)
		return bad_param(kp, val, -EINVAL,
				 "GFP_KERNEL or GFP_KERNEL_ACCOUNT, then any of __GFP_ZERO, __GFP_NOWARN, __GFP_RETRY_MAYFAIL, joined by |");
	demo.rq.gfp = gfp;
	return 0;
}

static int set_count(const char *val, const struct kernel_param *kp)
{
	unsigned int count;
	int err = is_number(val) ? kstrtouint(val, 10, &count) : -EINVAL;

	if (!err && (!count || count > MAX_COUNT))
		err = -ERANGE;
	if (err)
		return bad_param(kp, val, err,
				 "1 to " __stringify(MAX_COUNT));
	demo.count = count;
	return 0;
}

static int set_cap(const char *val, const struct kernel_param *kp)
{
	u64 cap;
	int err = val ? parse_size(val, strlen(val), &cap) : -EINVAL;

	if (!err && !cap)
		err = -ERANGE;
	if (err)
		return bad_param(kp, val, err,
				 "bytes above 0, with an optional K, M or G");
	demo.cap = cap;
	return 0;
}

/* A switch without a value is switched on, as the kernel's own are. */
static int set_switch(const char *val, const struct kernel_param *kp)
{
	bool *on = kp->arg;

	/* kstrtobool() would read 0x1 as 0 */
	if (val && strcmp(val, "0") && strcmp(val, "1"))
		return bad_param(kp, val, -EINVAL, "0 or 1");
	*on = !val || *val == '1';
	return 0;
}

/*
 * Own setters, for the kernel's cut a string at 1024 bytes before the module
 * can say what is wrong; NOARG, so that a bare word reaches them, too. Mode 0:
 * nobody sees them in sysfs.
 */
#define OPS(_set) { .flags = KERNEL_PARAM_OPS_FL_NOARG, .set = _set }

static const struct kernel_param_ops sizes_ops = OPS(set_sizes);
static const struct kernel_param_ops policy_ops = OPS(set_policy);
static const struct kernel_param_ops node_ops = OPS(set_node);
static const struct kernel_param_ops gfp_ops = OPS(set_gfp);
static const struct kernel_param_ops count_ops = OPS(set_count);
static const struct kernel_param_ops switch_ops = OPS(set_switch);
static const struct kernel_param_ops cap_ops = OPS(set_cap);

module_param_cb(sizes, &sizes_ops, NULL, 0);
MODULE_PARM_DESC(sizes, "sizes to allocate, as in 1024,64K,4M: up to 32, bytes with an optional K, M or G (default: the boundaries of this kernel, one byte above each, and one forced fallback)");

module_param_cb(policy, &policy_ops, NULL, 0);
MODULE_PARM_DESC(policy, "noretry (default; the kernel's of 4.12), noreclaim (the kernel's since 6.16), backoff (ours: noreclaim, and a failed order rests), native (this kernel's kvmalloc_node), kmalloc (no fallback), vmalloc (no try)");

module_param_cb(node, &node_ops, NULL, 0);
MODULE_PARM_DESC(node, "preferred NUMA node, -1 for any (default); before 6.16 the fallback ignores it");

module_param_cb(gfp, &gfp_ops, NULL, 0);
MODULE_PARM_DESC(gfp, "GFP_KERNEL (default) or GFP_KERNEL_ACCOUNT, then any of __GFP_ZERO, __GFP_NOWARN, __GFP_RETRY_MAYFAIL, joined by |");

module_param_cb(count, &count_ops, NULL, 0);
MODULE_PARM_DESC(count, "allocations of each size, 1 to 1000 (default 1)");

module_param_cb(zero, &switch_ops, &demo.zero, 0);
MODULE_PARM_DESC(zero, "1: ask for zeroed memory and check that it is; 0: do not (default)");

module_param_cb(force_fallback, &switch_ops, &demo.force_fallback, 0);
MODULE_PARM_DESC(force_fallback, "1: above PAGE_SIZE every caller of kvdemo goes to vmalloc at once, to find drivers that assume contiguous pages; 0: do not (default); not with policy=kmalloc");

module_param_cb(hold, &switch_ops, &demo.hold, 0);
MODULE_PARM_DESC(hold, "1: keep the buffers until rmmod and say how to find them in /proc/vmallocinfo; 0: do not (default)");

module_param_cb(cap, &cap_ops, NULL, 0);
MODULE_PARM_DESC(cap, "most bytes to have allocated at any time, with an optional K, M or G (default: an eighth of low memory, at most a quarter of what is available)");

/* What is asked for, and whether it fits */

static u64 default_cap(void)
{
	struct sysinfo si;
	u64 low, available = si_mem_available();

	si_meminfo(&si);
	low = (u64)(si.totalram - si.totalhigh) * PAGE_SIZE;
	return min(low / CAP_SHARE, available * PAGE_SIZE / CAP_FREE_SHARE);
}

/*
 * The most memory that one allocation may take: kmalloc rounds up to a power of
 * two, vmalloc to pages.
 */
static u64 footprint(const struct item *item)
{
	u64 kmalloc = 0, vmalloc = 0;

	if (!item->size)
		return OVERHEAD;
	if (demo.rq.policy->tries && item->size <= KMALLOC_MAX_SIZE)
		kmalloc = roundup_pow_of_two(item->size);
	if (demo.rq.policy->falls_back &&
	    (item->size > PAGE_SIZE || !demo.rq.policy->tries))
		vmalloc = PAGE_ALIGN((u64)item->size);
	return max(kmalloc, vmalloc) + OVERHEAD;
}

/* At a time: all of them with hold=1, else one after another */
static u64 footprint_at_a_time(const struct item *item)
{
	return footprint(item) * (demo.hold ? demo.count : 1);
}

static void default_items(void)
{
	const size_t costly = (size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER;
	const struct item items[] = {
		{ 1024 },
		{ PAGE_SIZE },
		{ PAGE_SIZE + 1 },
		{ KMALLOC_MAX_CACHE_SIZE },
		{ KMALLOC_MAX_CACHE_SIZE + 1 },
		{ costly },
		{ costly, .force_fallback = true },
		{ costly + 1 },
		{ KMALLOC_MAX_SIZE },
		{ KMALLOC_MAX_SIZE + 1 },
	};

	static_assert(ARRAY_SIZE(items) <= MAX_SIZES);
	memcpy(demo.items, items, sizeof(items));
	demo.nr_items = ARRAY_SIZE(items);
}

/* Leave out what does not fit: a default insmod never fails for size. */
static void fit_default_items(void)
{
	unsigned int i, kept = 0;
	u64 sum = 0, bytes;

	for (i = 0; i < demo.nr_items; i++) {
		struct item item = demo.items[i];

		if (item.force_fallback && !demo.rq.policy->falls_back)
			continue;
		bytes = footprint_at_a_time(&item);
		if (sum + bytes > demo.cap) {
			pr_info("left out size=%zu: over cap=%llu\n",
				item.size, demo.cap);
			continue;
		}
		if (demo.hold)
			sum += bytes;
		demo.items[kept++] = item;
	}
	demo.nr_items = kept;
}

static int check_items(void)
{
	u64 bytes, need = 0;
	unsigned int i;

	for (i = 0; i < demo.nr_items; i++) {
		bytes = footprint_at_a_time(&demo.items[i]);
		need = demo.hold ? need + bytes : max(need, bytes);
	}
	if (need <= demo.cap)
		return 0;
	pr_err("sizes= and count= may take %llu bytes at a time: allowed is cap=%llu\n",
	       need, demo.cap);
	return -ERANGE;
}

static int prepare(void)
{
	if (demo.err)
		return demo.err;
	if (!demo.cap)
		demo.cap = default_cap();
	if (demo.zero)
		demo.rq.gfp |= __GFP_ZERO;
	if (demo.force_fallback && !demo.rq.policy->falls_back) {
		pr_err("force_fallback=1 is invalid: policy=%s has no fallback, allowed is any other policy\n",
		       demo.rq.policy->name);
		return -EINVAL;
	}
	if (demo.nr_items)
		return check_items();
	default_items();
	fit_default_items();
	return 0;
}

/* The demo */

static u8 pattern(size_t i)
{
	return i ^ (i >> 8) ^ (i >> 16) ^ 0xa5;
}

static bool fill(u8 *p, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++)
		p[i] = pattern(i);
	return true;
}

static bool holds(u8 *p, size_t from, size_t to)
{
	size_t i;

	for (i = from; i < to; i++)
		if (p[i] != pattern(i))
			return false;
	return true;
}

static bool is_zero(u8 *p, size_t from, size_t to)
{
	return !memchr_inv(p + from, 0, to - from);
}

/* Chunk by chunk: 0, -EIO where @check fails, -EINTR on a fatal signal */
static int each_chunk(const struct buf *buf,
		      bool (*check)(u8 *p, size_t from, size_t to))
{
	size_t at;

	for (at = 0; at < buf->size; at += CHUNK) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!check(buf->p, at, min_t(size_t, at + CHUNK, buf->size)))
			return -EIO;
		cond_resched();
	}
	return 0;
}

static int verify(const struct buf *buf)
{
	int err = 0;

	if (ZERO_OR_NULL_PTR(buf->p))
		return 0;
	if (demo.rq.gfp & __GFP_ZERO)
		err = each_chunk(buf, is_zero);
	if (err == -EIO)
		pr_err("size=%zu: memory is not zero\n", buf->size);
	err = err ?: each_chunk(buf, fill);
	if (err)
		return err;
	err = each_chunk(buf, holds);
	if (err == -EIO)
		pr_err("size=%zu: memory does not keep its contents\n",
		       buf->size);
	return err;
}

/* A number, or "-" for what does not exist or was not done. */
static const char *or_dash(char *str, size_t len, s64 n)
{
	if (n < 0)
		return "-";
	snprintf(str, len, "%lld", n);
	return str;
}

static void describe(char *str, size_t len, const void *p, size_t size)
{
	struct kvdemo_layout layout;
	char buf[24];
	const char *order;

	if (kvdemo_inspect(p, size, &layout)) {
		snprintf(str, len, "node=- order=- pages=0 runs=0");
		return;
	}
	order = or_dash(buf, sizeof(buf), layout.path == KVDEMO_PATH_VMALLOC ?
						  -1 : (s64)layout.order);
	snprintf(str, len, "node=%*pbl order=%s pages=%lu runs=%lu",
		 nodemask_pr_args(&layout.nodes), order, layout.pages,
		 layout.runs);
}

static void log_alloc(const struct kvdemo_request *rq, const void *p,
		      const struct kvdemo_result *res, s64 total_ns)
{
	char kmalloc_ns[24], vmalloc_ns[24], where[128], asked[24] = "";

	describe(where, sizeof(where), p, rq->size);
	if (rq->node != NUMA_NO_NODE)
		snprintf(asked, sizeof(asked), " asked_node=%d", rq->node);
	pr_info("alloc size=%zu policy=%s path=%s why=%s %s kmalloc_ns=%s vmalloc_ns=%s total_ns=%lld%s\n",
		rq->size, rq->policy->name, kvdemo_path_name(res->path),
		kvdemo_why_name(res->why), where,
		or_dash(kmalloc_ns, sizeof(kmalloc_ns), res->kmalloc_ns),
		or_dash(vmalloc_ns, sizeof(vmalloc_ns), res->vmalloc_ns),
		total_ns, asked);
}

/*
 * vmalloc notes its caller, so the kernel's own table shows the buffer. Its
 * size there is in whole pages, one guard page more; the running kernel's
 * kvmalloc_node() and the node-aware vmalloc may round up to a huge page.
 */
static void log_held(const struct buf *buf)
{
	if (!is_vmalloc_addr(buf->p))
		return;
	if (demo.rq.policy->native || demo.rq.node != NUMA_NO_NODE)
		pr_info("held size=%zu: grep '\\[" KBUILD_MODNAME "\\]' /proc/vmallocinfo\n",
			buf->size);
	else
		pr_info("held size=%zu: grep ' %zu .*\\[" KBUILD_MODNAME "\\]' /proc/vmallocinfo\n",
			buf->size, (size_t)(PAGE_ALIGN(buf->size) + PAGE_SIZE));
}

static void give_back(struct buf *buf)
{
	kvdemo_kvfree(buf->p);
	if (!ZERO_OR_NULL_PTR(buf->p)) {
		total.given++;
		total.given_bytes += buf->size;
	}
	kfree(buf);
}

static void account(const struct buf *buf, const struct kvdemo_result *res)
{
	total.paths[res->path]++;
	total.failed += !buf->p;
	total.kmalloc_ns += max_t(s64, res->kmalloc_ns, 0);
	total.vmalloc_ns += max_t(s64, res->vmalloc_ns, 0);
	if (ZERO_OR_NULL_PTR(buf->p))
		return;
	total.taken++;
	total.taken_bytes += buf->size;
}

static int demo_one(const struct item *item)
{
	struct kvdemo_request rq = demo.rq;
	struct kvdemo_result res;
	struct buf *buf;
	u64 start;
	int err;

	buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	rq.size = item->size;
	rq.force_fallback = item->force_fallback;
	/* The try has it anyway, and path=none reports a failed fallback. */
	if (rq.size > PAGE_SIZE)
		rq.gfp |= __GFP_NOWARN;

	start = ktime_get_ns();
	buf->p = kvdemo_alloc(&rq, &res);
	start = ktime_get_ns() - start;
	buf->size = rq.size;
	account(buf, &res);
	log_alloc(&rq, buf->p, &res, start);

	err = verify(buf);
	if (demo.hold && !err) {
		list_add_tail(&buf->list, &held);
		log_held(buf);
	} else {
		give_back(buf);
	}
	return err;
}

static int run(void)
{
	unsigned int i, n;
	int err;

	for (i = 0; i < demo.nr_items; i++) {
		for (n = 0; n < demo.count; n++) {
			if (fatal_signal_pending(current))
				return -EINTR;
			err = demo_one(&demo.items[i]);
			if (err)
				return err;
			cond_resched();
		}
	}
	/* Nothing but failures: there is nothing to show. */
	return total.failed && !total.taken ? -ENOMEM : 0;
}

static void give_back_all(void)
{
	struct buf *buf, *next;

	list_for_each_entry_safe(buf, next, &held, list) {
		list_del(&buf->list);
		give_back(buf);
	}
}

static void log_start(void)
{
	pr_info("version=%s kernel=%s machine=%s page_size=%lu policy=%s: %s\n",
		KVDEMO_VERSION, init_utsname()->release, init_utsname()->machine,
		PAGE_SIZE, demo.rq.policy->name, demo.rq.policy->desc);
	if (demo.rq.node != NUMA_NO_NODE && !KVDEMO_VMALLOC_NODE &&
	    !demo.rq.policy->native)
		pr_info("node=%d binds the contiguous try only: before 6.16 no exported vmalloc takes gfp and node\n",
			demo.rq.node);
}

static void log_summary(void)
{
	pr_info("summary policy=%s slab=%lu pages=%lu vmalloc=%lu none=%lu kmalloc_ns=%llu vmalloc_ns=%llu\n",
		demo.rq.policy->name, total.paths[KVDEMO_PATH_SLAB],
		total.paths[KVDEMO_PATH_PAGES], total.paths[KVDEMO_PATH_VMALLOC],
		total.paths[KVDEMO_PATH_NONE], total.kmalloc_ns,
		total.vmalloc_ns);
}

static void log_exit(void)
{
	pr_info("exit allocs=%lu frees=%lu bytes=%llu leaked=%llu\n",
		total.taken, total.given, total.taken_bytes,
		total.taken_bytes - total.given_bytes);
}

static void finish(void)
{
	give_back_all();
	log_exit();
}

static int __init kvdemo_init(void)
{
	int err = prepare();

	if (err)
		return err;
	kvdemo_force_fallback(demo.force_fallback);
	log_start();
	err = run();
	log_summary();
	if (err)
		finish();
	return err;
}

static void __exit kvdemo_exit(void)
{
	finish();
	kvdemo_stats_exit();
}

module_init(kvdemo_init);
module_exit(kvdemo_exit);

MODULE_DESCRIPTION("Shows which memory kvmalloc gives, why, and at what price");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
