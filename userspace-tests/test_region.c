// SPDX-License-Identifier: GPL-2.0
/*
 * ZXVMO_IOC_REGION_OP_RANGE, ZX_VM_MAP_RANGE and reservations as the module
 * has them, without libzircon.
 */
#include "zxvmo_test.h"

static int run(int device, __u32 op, const void *at, __u64 size)
{
	struct zxvmo_region_op_range arg = {
		.op = op, .address = (unsigned long)at, .size = size,
	};

	return zxvmo_call(device, ZXVMO_IOC_REGION_OP_RANGE, &arg);
}

/* Pages that have a translation, of `pages` from `at` on. */
static unsigned int present(const void *at, unsigned int pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned int i, count = 0;
	__u64 entry;

	for (i = 0; i < pages; i++)
		count += pread(fd, &entry, 8, ((unsigned long)at / PAGE + i) * 8) == 8 &&
			 entry >> 63;
	close(fd);
	return count;
}

static void *reserve(int device, void *at, size_t pages)
{
	int flags = MAP_PRIVATE | MAP_NORESERVE | (at ? MAP_FIXED : 0);

	at = mmap(at, pages * PAGE, PROT_NONE, flags, device, (unsigned long)at);
	if (at != MAP_FAILED)
		madvise(at, pages * PAGE, MADV_DONTDUMP);
	return at;
}

TEST(bad_ranges)
{
	int device = open_device();
	int vmo = vmo_create(PAGE, 0);
	unsigned char *at = map_shared(vmo, PAGE, PROT_READ);

	ASSERT_LE(0, device);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(ZX_OK, run(device, ZX_VMAR_OP_COMMIT, at, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(device, 4, at, PAGE));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(device, ZX_VMAR_OP_COMMIT, at, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(device, ZX_VMAR_OP_COMMIT, at, ~0ULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, run(device, ZX_VMAR_OP_COMMIT, at + 1, PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE,
		  run(device, ZX_VMAR_OP_COMMIT, (void *)-(2UL * PAGE), 3 * PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE,
		  run(device, ZX_VMAR_OP_COMMIT, (void *)-(2UL * PAGE), PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE,
		  run(device, ZX_VMAR_OP_COMMIT, (void *)0xffff888000000000UL, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(device, ZX_VMAR_OP_ZERO, NULL, PAGE));
	EXPECT_EQ(ZX_ERR_BAD_STATE, run(device, ZX_VMAR_OP_ZERO, at, 1ULL << 62));
}

/* Where nothing traps the first write, what is shared must not be entered. */
TEST(shared_pages_in_pinnable_mappings)
{
	int device = open_device();
	int vmo = vmo_create_flags(4 * PAGE, 0, ZXVMO_CREATE_PINNABLE);
	unsigned char *at = map_shared(vmo, 4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char *reader = map_shared(vmo, 4 * PAGE, PROT_READ);
	int child, i;

	ASSERT_LE(0, vmo);
	ASSERT_EQ(ZX_OK, vmo_fill(vmo, 1, 3));
	EXPECT_EQ(ZX_OK, run(device, ZX_VMAR_OP_MAP_RANGE, at, 4 * PAGE));
	EXPECT_EQ(3, present(at, 4));
	child = vmo_snapshot(vmo, 0, 4 * PAGE);
	ASSERT_LE(0, child);
	EXPECT_EQ(0, present(at, 4));
	EXPECT_EQ(ZX_OK, run(device, ZX_VMAR_OP_MAP_RANGE, at, 4 * PAGE));
	EXPECT_EQ(0, present(at, 4));
	/* A mapping for reading may show them, until it becomes writable. */
	EXPECT_EQ(ZX_OK, run(device, ZX_VMAR_OP_MAP_RANGE, reader, 4 * PAGE));
	EXPECT_EQ(3, present(reader, 4));
	EXPECT_EQ(0, mprotect(reader, 4 * PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, probe_write(reader, 2));
	EXPECT_EQ(0, probe_write(at + PAGE, 3));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(vmo_holds(child, 1, i * PAGE, PAGE));
	EXPECT_EQ(2, at[0]);
	EXPECT_EQ(3, reader[PAGE]);
	/* COMMIT makes them this one's own. */
	EXPECT_EQ(ZX_OK, run(device, ZX_VMAR_OP_COMMIT, at, 4 * PAGE));
	EXPECT_EQ(4, present(at, 4));
	EXPECT_EQ(0, probe_write(at + 2 * PAGE, 4));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(vmo_holds(child, 1, i * PAGE, PAGE));
}

TEST(bad_answer_of_map_range_leaves_no_mapping)
{
	int vmo = vmo_create(PAGE, 0);
	struct zxvmo_map *arg = anon_pages(1, PROT_READ | PROT_WRITE);

	ASSERT_EQ(ZX_OK, vmo_fill(vmo, 1, 1));
	arg->options = ZX_VM_PERM_READ | ZX_VM_MAP_RANGE;
	arg->length = PAGE;
	mprotect(arg, PAGE, PROT_READ);
	errno = 0;
	EXPECT_EQ(-1, ioctl(vmo, ZXVMO_IOC_MAP, arg));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, vmo_info(vmo).num_mappings);
}

/* A region that was cut up and put together again is one mapping. */
TEST(reservations_merge)
{
	int device = open_device();
	int vmo = vmo_create(PAGE, 0);
	char *at = reserve(device, NULL, 8);
	char line[256], end[32];
	int i;

	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(at, reserve(device, at, 8));
	for (i = 0; i < 8; i += 2)
		ASSERT_EQ(at + i * PAGE, mmap(at + i * PAGE, PAGE, PROT_READ,
					      MAP_SHARED | MAP_FIXED, vmo, 0));
	EXPECT_EQ(4, vmo_info(vmo).num_mappings);
	for (i = 6; i >= 0; i -= 2)
		ASSERT_EQ(at + i * PAGE, reserve(device, at + i * PAGE, 1));
	EXPECT_EQ(0, vmo_info(vmo).num_mappings);
	ASSERT_TRUE(maps_line(at, line, sizeof(line)));
	snprintf(end, sizeof(end), "%08lx ---p", (unsigned long)at + 8 * PAGE);
	EXPECT_EQ(0, strncmp(line, end, strlen(end)))
		TH_LOG("%s", line);
}

TEST_HARNESS_MAIN
