/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of kvdemo_test.ko.
 */
#ifndef KVDEMO_TEST_H
#define KVDEMO_TEST_H

/* Before the headers of ours, which print as well */
#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "compat.h"
#include "kvdemo.h"

/**
 * CHECK() - an assertion; a failure logs where and what, at most ten in 5 s
 * @cond: the condition that must hold
 * @fmt: more to log
 *
 * Return: whether it holds.
 */
#define CHECK(cond, fmt, ...) ({					\
	bool __holds = (cond);						\
	if (!__holds)							\
		pr_info_ratelimited("# %s:%d: %s: " fmt "\n", __func__, \
				    __LINE__, #cond, ##__VA_ARGS__);	\
	__holds;							\
})

#define COSTLY_SIZE	((size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

#define POLICIES_END	(kvdemo_policies + KVDEMO_NR_POLICIES)

/* Below, at and above each boundary */
#define NR_SIZES	15
extern const size_t sizes[NR_SIZES];

bool each_policy_and_size(bool (*check)(const struct kvdemo_policy *policy, size_t size));

extern const char *skip;	/* set by a test that cannot run here */

/* Ops of a parameter whose kp->arg is its setter; the module stays loaded while that runs */
extern const struct kernel_param_ops run_ops;

/*
 * What kmem:kmalloc reported of a watched size and task. gfp: of the first event since
 * watch(); caller: of the last
 */
extern struct seen {
	struct task_struct *task;
	size_t size;
	unsigned int calls;
	gfp_t gfp;
	unsigned long caller;
} seen;

int watch_init(void);
void watch_exit(void);
void watch(size_t size);
void unwatch(void);

struct page *real_page(const void *p);
enum kvdemo_path real_path(const void *p);
enum kvdemo_path path_of(size_t size, unsigned int order);
bool on_node(const void *p, size_t size, int node);
bool check_result(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
		  const void *p, const struct kvdemo_result *res,
		  enum kvdemo_path path, enum kvdemo_why why);
bool check_outcome(const struct kvdemo_policy *policy, size_t size,
		   const void *p, const struct kvdemo_result *res, bool blocks);
void fill(u64 *p, size_t size, u64 seed);
bool intact(const u64 *p, size_t size, u64 seed);
bool keeps_contents(void *p, size_t size);
bool on_one_cpu(bool (*run)(void));
u32 next_random(u64 *state);
size_t random_size(u64 *state, unsigned int max_bits);

static inline void *alloc_on(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
			     int node, bool forced, struct kvdemo_result *res)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = gfp, .node = node, .policy = policy,
		.force_fallback = forced,
	};

	return kvdemo_alloc(&rq, res);
}

static inline void *alloc(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
			  struct kvdemo_result *res)
{
	return alloc_on(policy, size, gfp, NUMA_NO_NODE, false, res);
}

static inline bool is_policy(const struct kvdemo_policy *policy, enum kvdemo_policy_id id)
{
	return policy == &kvdemo_policies[id];
}

bool agrees(const struct kvdemo_policy *policy, size_t size, gfp_t gfp);

bool test_boundaries(void);
bool test_gfp(void);
bool test_vmalloc_gfp(void);
bool test_native(void);
bool test_node(void);
bool test_rules(void);
bool test_recipe(void);
bool test_fortify(void);
bool test_callers(void);
bool test_inspect(void);
bool test_backoff(void);
bool test_lower_zone(void);
void run_outside(unsigned int number);
void live_exit(void);

#endif /* KVDEMO_TEST_H */
