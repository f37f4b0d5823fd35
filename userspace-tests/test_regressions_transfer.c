// SPDX-License-Identifier: GPL-2.0
/*
 * What a review of the module found about pages that change places: what a
 * page map has beside its pages, empty nodes and marks, must not go with them.
 */
#include "zxvmo_test.h"

static int transfer(int to, __u64 offset, __u64 length, int from, __u64 source_offset)
{
	struct zxvmo_transfer_data arg = {
		.offset = offset, .length = length,
		.source = from, .source_offset = source_offset,
	};

	return zxvmo_call(to, ZXVMO_IOC_TRANSFER_DATA, &arg);
}

/*
 * A page that a former relative has lent to a pipe is not the destination's
 * alone either, whatever page was in its place before.
 */
TEST(page_lent_to_a_pipe_in_the_place_of_a_mapped_one)
{
	int source = vmo_create(PAGE, 0), to = vmo_create(2 * PAGE, 0), child, pipes[2];
	unsigned char *at, *writer;
	struct iovec iov;
	char seen[6];

	writer = map_shared(to, 2 * PAGE, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, writer);
	memset(writer, 0x11, 2 * PAGE);
	ASSERT_EQ(ZX_OK, vmo_write(source, "before", 0, 6));
	child = vmo_snapshot(source, 0, PAGE);
	ASSERT_LE(0, child);
	at = map_shared(child, PAGE, PROT_READ);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(0, pipe(pipes));
	iov = (struct iovec){ at, PAGE };
	ASSERT_EQ(PAGE, vmsplice(pipes[1], &iov, 1, 0));
	munmap(at, PAGE);
	close(child);
	ASSERT_EQ(ZX_OK, transfer(to, 0, PAGE, source, 0));
	memcpy(writer, "SECRET", 6);
	ASSERT_EQ(6, read(pipes[0], seen, 6));
	EXPECT_EQ(0, memcmp(seen, "before", 6));
	EXPECT_TRUE(vmo_holds(to, 0x11, PAGE, PAGE));
	munmap(writer, 2 * PAGE);
	close(pipes[0]);
	close(pipes[1]);
	close(source);
	close(to);
}

/*
 * A transfer that is not aligned to leaves can leave one without pages behind.
 * It must not take the place of one with pages in the next transfer.
 */
TEST(leaf_without_pages_before_the_range)
{
	/* Of a leaf, and of all leaves below a node. */
	const __u64 leaf = 64 * PAGE, all = 64 * leaf;
	int other = vmo_create(2 * PAGE, 0), source = vmo_create(2 * all, 0);
	int to = vmo_create(all, 0);
	char seen[7] = "";

	ASSERT_EQ(ZX_OK, vmo_write(other, "x", 0, 1));
	/* The page comes into the leaf at 1, and nothing into the one at 2. */
	ASSERT_EQ(ZX_OK, transfer(source, 2 * leaf - PAGE, 2 * PAGE, other, 0));
	ASSERT_EQ(ZX_OK, vmo_op_range(source, ZX_VMO_OP_DECOMMIT, 2 * leaf - PAGE, PAGE));
	ASSERT_EQ(ZX_OK, vmo_write(source, "content", all + 2 * leaf, 7));
	ASSERT_EQ(ZX_OK, transfer(to, 0, all - leaf + PAGE, source, 3 * leaf));
	ASSERT_EQ(ZX_OK, vmo_read(to, seen, all - leaf, 7));
	EXPECT_EQ(0, memcmp(seen, "content", 7));
	EXPECT_EQ(PAGE, vmo_info(to).committed_bytes);
	ASSERT_EQ(ZX_OK, vmo_op_range(to, ZX_VMO_OP_DECOMMIT, 0, all));
	EXPECT_EQ(0, vmo_info(to).committed_bytes);
	close(other);
	close(source);
	close(to);
}

TEST_HARNESS_MAIN
