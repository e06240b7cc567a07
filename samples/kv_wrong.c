// SPDX-License-Identifier: GPL-2.0-only
/*
 * A small driver that works, until its buffer is vmalloc memory: it takes one by
 * kvmalloc() and uses it as if its pages were contiguous. mistake= says how:
 *
 *	dma	dma_map_single(): the kernel warns, and the mapping fails
 *	sg	sg_init_one(): a stock kernel is silent, and the entry names a wrong page
 *	phys	virt_to_phys(): silent, a wrong address
 *	kfree	kfree() of vmalloc memory: an oops
 *	none	the mended driver: it looks up each page, and frees with kvfree()
 *
 * To see the mistake, load kvdemo_live.ko policy=vmalloc callers=kv_wrong before. On
 * its own the driver gets contiguous memory, and nothing happens.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

static char *mistake = "dma";
module_param(mistake, charp, 0444);
MODULE_PARM_DESC(mistake, "dma (default), sg, phys, kfree or none");

static const unsigned int size = 65536;
static void *buf;

static int use_dma(void)
{
	struct platform_device *device;
	dma_addr_t addr;
	int err;

	device = platform_device_register_simple(KBUILD_MODNAME, PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	err = dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64));
	if (!err) {
		addr = dma_map_single(&device->dev, buf, size, DMA_TO_DEVICE);
		err = dma_mapping_error(&device->dev, addr);
		if (!err)
			dma_unmap_single(&device->dev, addr, size, DMA_TO_DEVICE);
		pr_info("dma_map_single(): %s\n", err ? "refused" : "mapped");
	}
	platform_device_unregister(device);
	return 0;
}

static int use_sg(void)
{
	struct scatterlist sg;

	sg_init_one(&sg, buf, size);
	pr_info("sg_init_one(): an entry of %u bytes\n", sg.length);
	return 0;
}

static int use_phys(void)
{
	phys_addr_t first = virt_to_phys(buf);

	pr_info("virt_to_phys(): the address is %s\n", pfn_valid(PHYS_PFN(first)) &&
		page_to_pfn(virt_to_page(buf)) == PHYS_PFN(first) ? "plausible" : "no memory");
	return 0;
}

/* The correct form of use_sg(), which takes either kind of memory */
static int use_pages(void)
{
	unsigned int offset = offset_in_page(buf), n = PFN_UP(offset + size);
	void *first = buf - offset;
	struct page **pages;
	struct sg_table table;
	unsigned int i;
	int err;

	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		pages[i] = is_vmalloc_addr(buf) ? vmalloc_to_page(first + i * PAGE_SIZE) :
						  virt_to_page(first + i * PAGE_SIZE);
	err = sg_alloc_table_from_pages(&table, pages, n, offset, size, GFP_KERNEL);
	kvfree(pages);
	if (err)
		return err;
	pr_info("sg_alloc_table_from_pages(): a list for %u pages\n", n);
	sg_free_table(&table);
	return 0;
}

static int use_kfree(void)
{
	kfree(buf);
	buf = NULL;
	return 0;
}

static const struct {
	const char *name;
	int (*make)(void);
} mistakes[] = {
	{ "dma", use_dma }, { "sg", use_sg }, { "phys", use_phys }, { "kfree", use_kfree },
	{ "none", use_pages },
};

static int __init kv_wrong_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(mistakes) && strcmp(mistake, mistakes[i].name); i++)
		;
	if (i == ARRAY_SIZE(mistakes)) {
		pr_err("mistake=%.64s is invalid: allowed is dma, sg, phys, kfree, none\n",
		       mistake);
		return -EINVAL;
	}
	buf = kvmalloc(size, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	pr_info("size=%u: %s\n", size, is_vmalloc_addr(buf) ? "vmalloc" : "contiguous");
	err = mistakes[i].make();
	if (err)
		kvfree(buf);
	return err;
}

static void __exit kv_wrong_exit(void)
{
	kvfree(buf);
}

module_init(kv_wrong_init);
module_exit(kv_wrong_exit);

MODULE_DESCRIPTION("A driver that takes kvmalloc's memory for contiguous");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
