// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where an allocation lies in physical memory. kvdemo_inspect() walks over all pages, so
 * the allocation path never calls it.
 */
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "kvdemo.h"

static struct page *page_of(const void *p)
{
	return is_vmalloc_addr(p) ? vmalloc_to_page(p) : virt_to_page(p);
}

/*
 * Do @size bytes from @p end inside the compound page that holds @p? Page frame numbers
 * are compared, because KASAN tags make addresses of an object and its slab differ.
 */
static bool inside_compound(const void *p, size_t size, unsigned int order)
{
	size_t pages = page_to_pfn(virt_to_page(p)) - page_to_pfn(virt_to_head_page(p));
	size_t offset = (pages << PAGE_SHIFT) + offset_in_page(p);

	return size <= (PAGE_SIZE << order) - offset;
}

/**
 * kvdemo_inspect() - walk an allocation page by page
 * @p: what an allocation returned
 * @size: the bytes that were asked for
 * @layout: filled in; see &struct kvdemo_layout
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL for NULL, ZERO_SIZE_PTR or size 0; -ERANGE if the slab, the
 * compound page or the vmalloc area ends before @size.
 */
int kvdemo_inspect(const void *p, size_t size, struct kvdemo_layout *layout)
{
	const void *at = PTR_ALIGN_DOWN(p, PAGE_SIZE);
	unsigned long pfn, last = 0;

	memset(layout, 0, sizeof(*layout));
	layout->path = kvdemo_path(p);
	if (layout->path == KVDEMO_PATH_NONE || !size)
		return -EINVAL;
	if (size > ULONG_MAX - (unsigned long)p)
		return -ERANGE;
	if (layout->path != KVDEMO_PATH_VMALLOC) {
		layout->order = compound_order(virt_to_head_page(p));
		if (!inside_compound(p, size, layout->order))
			return -ERANGE;
	}
	for (; at < p + size; at += PAGE_SIZE) {
		struct page *page = page_of(at);

		if (!page)
			return -ERANGE;
		pfn = page_to_pfn(page);
		layout->runs += !layout->pages || pfn != last + 1;
		layout->pages++;
		node_set(page_to_nid(page), layout->nodes);
		last = pfn;
		cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kvdemo_inspect);
