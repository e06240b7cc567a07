// SPDX-License-Identifier: GPL-2.0-only
/* Nodes, and kvdemo_inspect() compared with a walk of the pages. */
#include <linux/vmalloc.h>

#include "test.h"

bool on_node(const void *p, size_t size, int node)
{
	size_t at;

	for (at = 0; at < size; at += PAGE_SIZE)
		if (page_to_nid(real_page(p + at)) != node)
			return false;
	return page_to_nid(real_page(p + size - 1)) == node;
}

static bool node_is_honoured(const struct kvdemo_policy *policy, size_t size, int node)
{
	struct kvdemo_layout layout;
	struct kvdemo_result res;
	bool good = true;
	void *p;

	p = alloc_on(policy, size, GFP_KERNEL, node, false, &res);
	if (!p)
		return CHECK(is_policy(policy, KVDEMO_KMALLOC), "size=%zu", size);
	/* The kernel's own fallback honours the node on every release. */
	if (res.path != KVDEMO_PATH_VMALLOC || KVDEMO_VMALLOC_NODE || policy->native)
		good = CHECK(on_node(p, size, node), "size=%zu policy=%s node=%d",
			     size, policy->name, node);
	/* Whichever node it came from, inspection must name it. */
	good &= CHECK(!kvdemo_inspect(p, size, &layout), "size=%zu", size) &&
		CHECK(node_isset(page_to_nid(real_page(p)), layout.nodes), "size=%zu", size);
	if (nodes_weight(layout.nodes) == 1)
		good &= CHECK(on_node(p, size, first_node(layout.nodes)), "size=%zu", size);
	kvdemo_kvfree(p);
	return good;
}

/* One buffer with pages of all nodes, as a fallback on a full node gives */
static bool spanning_is_told(void)
{
	struct kvdemo_layout layout;
	struct page *pages[4];
	int i, node = first_memory_node;
	bool good = false;
	void *p;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_pages_node(node, GFP_KERNEL | __GFP_THISNODE, 0);
		if (!CHECK(pages[i], "node=%d is full", node))
			goto out;
		node = next_node_in(node, node_states[N_MEMORY]);
	}
	p = vmap(pages, ARRAY_SIZE(pages), VM_MAP, PAGE_KERNEL);
	good = CHECK(p && !kvdemo_inspect(p, ARRAY_SIZE(pages) * PAGE_SIZE, &layout),
		     "vmap") &&
	       CHECK(nodes_weight(layout.nodes) == min_t(int, num_node_state(N_MEMORY), 4),
		     "nodes=%*pbl", nodemask_pr_args(&layout.nodes));
	vunmap(p);
out:
	while (i--)
		__free_page(pages[i]);
	return good;
}

static bool nodes_are_honoured(const struct kvdemo_policy *policy, size_t size)
{
	bool good = true;
	int node;

	for_each_node_state(node, N_MEMORY)
		good &= node_is_honoured(policy, size, node);
	return good;
}

static bool node_on_this_cpu(void)
{
	return each_policy_and_size(nodes_are_honoured) & spanning_is_told();
}

bool test_node(void)
{
	if (num_node_state(N_MEMORY) < 2) {
		skip = "the guest has one node";
		return true;
	}
	return on_one_cpu(node_on_this_cpu);
}

static bool layout_is_real(const void *p, size_t size)
{
	unsigned long pages = 0, runs = 0, pfn, last = 0;
	struct kvdemo_layout layout;
	size_t at;

	for (at = 0; at < offset_in_page(p) + size; at += PAGE_SIZE) {
		pfn = page_to_pfn(real_page(p - offset_in_page(p) + at));
		runs += !pages++ || pfn != last + 1;
		last = pfn;
	}
	return CHECK(!kvdemo_inspect(p, size, &layout), "size=%zu", size) &&
	       CHECK(layout.pages == pages && layout.runs == runs,
		     "size=%zu: %lu pages in %lu runs, really %lu in %lu", size,
		     layout.pages, layout.runs, pages, runs) &&
	       CHECK(layout.path == real_path(p), "size=%zu", size) &&
	       CHECK(layout.path != KVDEMO_PATH_PAGES || size == 1 ||
		     layout.order == get_order(size), "size=%zu order=%u", size,
		     layout.order) &&
	       CHECK(layout.path == KVDEMO_PATH_VMALLOC || runs == 1,
		     "size=%zu: kmalloc in %lu runs", size, runs);
}

static bool inspection_agrees(const struct kvdemo_policy *policy, size_t size)
{
	void *p = alloc(policy, size, GFP_KERNEL, NULL);
	struct kvdemo_layout layout;
	bool good;

	if (!p)
		return true;
	good = layout_is_real(p, size) & layout_is_real(p + size / 2, 1) &
	       CHECK(kvdemo_inspect(p, 4 * KMALLOC_MAX_SIZE, &layout) == -ERANGE, "size=%zu", size);
	kvdemo_kvfree(p);
	return good;
}

bool test_inspect(void)
{
	struct kvdemo_layout layout;

	return each_policy_and_size(inspection_agrees) &
	       CHECK(kvdemo_inspect(NULL, 1, &layout) == -EINVAL, "NULL") &
	       CHECK(kvdemo_inspect(ZERO_SIZE_PTR, 0, &layout) == -EINVAL, "0");
}
