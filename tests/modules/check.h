/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVDEMO_CHECK_H
#define KVDEMO_CHECK_H

#include <linux/printk.h>
#include <linux/ratelimit.h>

/**
 * CHECK() - what a test asserts; a failure says where and what, up to ten in 5 s
 * @cond: what must hold
 * @fmt: what else there is to say
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

#endif /* KVDEMO_CHECK_H */
