// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proofs that the checkers of the kernels debug and cfi are awake: each case does
 * one thing wrong on purpose. A write of its name to
 * /sys/module/kvdemo_test/parameters/awake starts it.
 */
#include <linux/mutex.h>

#include "test.h"

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

/* A caller that never checks for NULL: harmless until an allocation fails */
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

/* A call through a pointer of another type: clang's CFI forbids it, gcc does not see it */
static void awake_cfi(void)
{
	void (*wrong)(int) = (void *)awake_none;

	OPTIMIZER_HIDE_VAR(wrong);
	wrong(1);
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
	{ "cfi", awake_cfi },
};

static int awake_set(const char *val, const struct kernel_param *kp)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(awake_cases); i++) {
		if (!sysfs_streq(val, awake_cases[i].name))
			continue;
		awake_cases[i].go_wrong();
		return 0;
	}
	return -EINVAL;
}

module_param_cb(awake, &run_ops, awake_set, 0200);
