// SPDX-License-Identifier: GPL-2.0-only
/* The page behind a buffer, its path and its contents; and random requests. */
#include <linux/hash.h>

#include "test.h"

/* The page behind an address, whichever way it was mapped */
struct page *real_page(const void *p)
{
	return virt_addr_valid(p) ? virt_to_page(p) : vmalloc_to_page(p);
}

/* The path, found in another way than by kvdemo_path(): linear map, then page flags */
enum kvdemo_path real_path(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return KVDEMO_PATH_NONE;
	if (!virt_addr_valid(p))
		return vmalloc_to_page(p) ? KVDEMO_PATH_VMALLOC : KVDEMO_NR_PATHS;
	return PageSlab(compound_head(virt_to_page(p))) ? KVDEMO_PATH_SLAB :
							  KVDEMO_PATH_PAGES;
}

static bool is_price(s64 ns, bool taken)
{
	return taken ? ns >= 0 : ns == KVDEMO_NS_NONE;
}

/* The steps that the reason implies have prices, others none; nor has the kernel's kvmalloc. */
static bool check_prices(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
			 const struct kvdemo_result *res)
{
	bool forced = res->why == KVDEMO_WHY_FORCED, told = forced || !policy->native;
	bool tries = size && !forced && policy->tries && !(gfp & __GFP_DMA32) &&
		     !(policy->backs_off && size > KMALLOC_MAX_SIZE);
	bool falls = res->path == KVDEMO_PATH_VMALLOC ||
		     (res->why == KVDEMO_WHY_NO_MEMORY && policy->falls_back &&
		      (size > PAGE_SIZE || !policy->tries));

	/* Above INT_MAX bytes a forced request is not tried, and has another reason. */
	return CHECK(res->why == KVDEMO_WHY_INVALID || is_price(res->kmalloc_ns, tries && told),
		     "size=%zu gfp=%pGg policy=%s", size, &gfp, policy->name) &
	       CHECK(is_price(res->vmalloc_ns, falls && told) &&
		     (res->path != KVDEMO_PATH_VMALLOC || res->vmalloc_ns),
		     "size=%zu gfp=%pGg policy=%s", size, &gfp, policy->name);
}

/* The result must be the expected one, and the page must confirm its path. */
bool check_result(const struct kvdemo_policy *policy, size_t size, gfp_t gfp,
		  const void *p, const struct kvdemo_result *res,
		  enum kvdemo_path path, enum kvdemo_why why)
{
	bool good = CHECK(res->path == path && res->why == why,
			  "size=%zu policy=%s: %s/%s, expected %s/%s", size,
			  policy->name, kvdemo_path_name(res->path),
			  kvdemo_why_name(res->why), kvdemo_path_name(path),
			  kvdemo_why_name(why));

	good &= CHECK(res->path == real_path(p), "size=%zu policy=%s: %s, the page says %s",
		      size, policy->name, kvdemo_path_name(res->path),
		      kvdemo_path_name(real_path(p)));
	return good && check_prices(policy, size, gfp, res);
}

/* The result that policy and size give; @blocks: the attempt finds a block. */
bool check_outcome(const struct kvdemo_policy *policy, size_t size,
		   const void *p, const struct kvdemo_result *res, bool blocks)
{
	enum kvdemo_path path = KVDEMO_PATH_VMALLOC;
	enum kvdemo_why why = KVDEMO_WHY_KMALLOC_FAILED;

	if (is_policy(policy, KVDEMO_VMALLOC)) {
		why = KVDEMO_WHY_POLICY;
	} else if (blocks && size <= KMALLOC_MAX_SIZE) {
		path = path_of(size, 0);
		why = size <= PAGE_SIZE ? KVDEMO_WHY_SMALL : KVDEMO_WHY_CONTIGUOUS;
	} else if (is_policy(policy, KVDEMO_KMALLOC)) {
		path = KVDEMO_PATH_NONE;
		why = size > KMALLOC_MAX_SIZE ? KVDEMO_WHY_IMPOSSIBLE : KVDEMO_WHY_NO_MEMORY;
	} else if (size > KMALLOC_MAX_SIZE) {
		why = KVDEMO_WHY_TOO_LARGE;
	}
	return check_result(policy, size, GFP_KERNEL, p, res, path, why);
}

/* A different value for each word of each page of each buffer */
static u64 word_of(u64 seed, size_t i)
{
	return (seed + i) * GOLDEN_RATIO_64;
}

/* Writes the words of @seed all over a buffer */
void fill(u64 *p, size_t size, u64 seed)
{
	u64 last;
	size_t i;

	for (i = 0; i < size / sizeof(*p); i++)
		p[i] = word_of(seed, i);
	last = word_of(seed, i);
	memcpy(p + i, &last, size % sizeof(*p));
}

/* Does the buffer still hold what fill() wrote? */
bool intact(const u64 *p, size_t size, u64 seed)
{
	u64 last;
	size_t i;

	for (i = 0; i < size / sizeof(*p); i++)
		if (p[i] != word_of(seed, i))
			return false;
	last = word_of(seed, i);
	return !memcmp(p + i, &last, size % sizeof(*p));
}

/* Every byte can be written and read back. */
bool keeps_contents(void *p, size_t size)
{
	fill(p, size, size);
	return intact(p, size, size);
}

/* The same seed gives the same requests on every kernel. */
u32 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 16;
}

/* 1 to 2^@max_bits bytes, each power of two equally likely */
size_t random_size(u64 *state, unsigned int max_bits)
{
	unsigned int bits = 1 + next_random(state) % max_bits;

	return 1 + next_random(state) % (1ul << bits);
}
