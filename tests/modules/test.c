// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests that run inside the guest, through the exported API of kvdemo.ko, with TAP on
 * the console. They compare what the wrapper reports with what they find themselves:
 * page flags, the gfp in kmem:kmalloc, the node of each page, and the running kernel's
 * kvmalloc_node().
 */
#include "test.h"

static unsigned int outside;
module_param(outside, uint, 0);
MODULE_PARM_DESC(outside, "run just this case of flags outside the contract, by its number from 1");

static char *only;
module_param(only, charp, 0);
MODULE_PARM_DESC(only, "run the tests whose names hold this text; by default none");

const size_t sizes[NR_SIZES] = {
	1023, 1024, 1025,
	PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
	KMALLOC_MAX_CACHE_SIZE - 1, KMALLOC_MAX_CACHE_SIZE, KMALLOC_MAX_CACHE_SIZE + 1,
	COSTLY_SIZE - 1, COSTLY_SIZE, COSTLY_SIZE + 1,
	KMALLOC_MAX_SIZE - 1, KMALLOC_MAX_SIZE, KMALLOC_MAX_SIZE + 1,
};

const char *skip;

bool each_policy_and_size(bool (*check)(const struct kvdemo_policy *policy, size_t size))
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++)
		for (i = 0; i < NR_SIZES; i++)
			good &= check(policy, sizes[i]);
	return good;
}

static const struct test {
	const char *name;
	bool (*run)(void);
} tests[] = {
	{ "path and why at every boundary, one byte less and more, and zeroes", test_boundaries },
	{ "gfp of the contiguous try, as kmem:kmalloc reports it", test_gfp },
	{ "gfp of the fallback, as a kprobe on vmalloc sees it", test_vmalloc_gfp },
	{ "agreement with this kernel's kvmalloc_node", test_native },
	{ "the node is honoured and told", test_node },
	{ "requests that are refused, bound or forced", test_rules },
	{ "the family under the kernel's names, as in doc/driver.md, and overflows", test_recipe },
	{ "FORTIFY_SOURCE sees how large a buffer is", test_fortify },
	{ "the kernel's records name the caller", test_callers },
	{ "inspection agrees with a walk of the pages", test_inspect },
	{ "backoff skips, obeys RETRY_MAYFAIL, and recovers; others fall back", test_backoff },
	{ "a block that comes free in a lower zone ends a back-off period", test_lower_zone },
	/* Add a test here, and raise the plan in tests/30-wrapper.t. */
};

static void run(const struct test *test, int number)
{
	bool good;

	skip = NULL;
	good = test->run();
	pr_info("%sok %d - %s%s%s\n", good ? "" : "not ", number, test->name,
		skip ? " # SKIP " : "", skip ?: "");
}

/* The TAP in the log is the verdict, not the result of insmod. */
static int __init kvdemo_test_init(void)
{
	int i, err;

	if (!only && !outside)
		return 0;
	err = watch_init();
	if (err)
		return err;
	if (outside)
		run_outside(outside);
	for (i = 0; only && i < ARRAY_SIZE(tests); i++) {
		if (strstr(tests[i].name, only))
			run(&tests[i], i + 1);
		cond_resched();
	}
	watch_exit();
	return 0;
}

static void __exit kvdemo_test_exit(void)
{
	live_exit();
}

module_init(kvdemo_test_init);
module_exit(kvdemo_test_exit);

MODULE_DESCRIPTION("Tests of kvdemo's API, TAP in the kernel log");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
