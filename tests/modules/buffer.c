// SPDX-License-Identifier: GPL-2.0-only
/* What a buffer really is: its page, its path, its contents. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "test.h"

struct page *real_page(const void *p)
{
	return virt_addr_valid(p) ? virt_to_page(p) : vmalloc_to_page(p);
}

/* The path by another road than kvdemo_path(): the linear map, then the page. */
enum kvdemo_path real_path(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return KVDEMO_PATH_NONE;
	if (!virt_addr_valid(p))
		return vmalloc_to_page(p) ? KVDEMO_PATH_VMALLOC : KVDEMO_NR_PATHS;
	return PageSlab(compound_head(virt_to_page(p))) ? KVDEMO_PATH_SLAB :
							  KVDEMO_PATH_PAGES;
}

bool check_result(const struct kvdemo_policy *policy, size_t size,
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

/* Every page of the buffer, not just every byte, holds something of its own. */
static u32 word_of(size_t i)
{
	return i * GOLDEN_RATIO_32 + 1;
}

bool keeps_contents(void *p, size_t size)
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

/* Leave free memory full of ones, so that zeroes have to be made. */
void make_dirty(const struct kvdemo_policy *policy, size_t size)
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
