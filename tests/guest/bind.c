// SPDX-License-Identifier: GPL-2.0-only
/* bind NODE COMMAND...: run it with a memory policy that binds it to that node. */
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long nodes;

	if (argc < 3)
		return 2;
	nodes = 1ul << atoi(argv[1]);
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 8 * sizeof(nodes)) == 0)
		execvp(argv[2], argv + 2);
	perror("bind");
	return 1;
}
