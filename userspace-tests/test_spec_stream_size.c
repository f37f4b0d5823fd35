// SPDX-License-Identifier: GPL-2.0
/*
 * The stream size and its older name, the property CONTENT_SIZE:
 * specification sections 6, 20.3 and 28.4.
 */
#include <pthread.h>

#include "zx_test.h"

TEST(spec_033_beyond_the_size)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(vmo, 8193));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(vmo, UINT64_MAX));
	EXPECT_EQ(8192, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 2 * PAGE));
}

TEST(spec_034_zeroes_to_the_end)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 100));
	EXPECT_EQ(100, stream_size_of(vmo));
	EXPECT_EQ(2 * PAGE, size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, 2 * PAGE));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 200, 0xbb));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 8191, 0xbb));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 4096));
	EXPECT_TRUE(holds(vmo, 0, 100, 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
}

TEST(zeroing_by_stream_size_accounts_like_zero)
{
	zx_handle_t vmo = new_vmo(4 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 4));
	/* The page in the middle stays, the whole ones after it go. */
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE + 1));
	EXPECT_EQ(2 * PAGE, committed(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE));
	EXPECT_EQ(PAGE, committed(vmo));
	/* Nothing is there to zero, so nothing is committed for it. */
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 3 * PAGE + 5));
	EXPECT_EQ(PAGE, committed(vmo));
}

TEST(spec_035_current_value)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 8192));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 2 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 50));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xbb, 2));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 50));
	EXPECT_TRUE(holds(vmo, 0xbb, 0, 2 * PAGE));
}

TEST(spec_036_rights)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	zx_handle_t reader = without_rights(vmo, ZX_RIGHT_WRITE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(writer, 0));
	EXPECT_EQ(0, stream_size_of(vmo));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_stream_size(reader, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_vmo_set_stream_size(reader, UINT64_MAX));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_set_stream_size(zx_vmar_root_self(), 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_set_stream_size(closed_handle(), 0));
	/* A resizable VMO asks for no RESIZE here. */
	vmo = without_rights(new_vmo(PAGE, ZX_VMO_RESIZABLE), ZX_RIGHT_RESIZE);
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 1));
}

TEST(spec_038_property_beyond_the_size)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, set_content_size(vmo, 1000000));
	EXPECT_EQ(PAGE, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, PAGE));
}

TEST(spec_039_property_zeroes)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	uint64_t size = 0;

	ASSERT_EQ(ZX_OK, fill(vmo, 0xaa, 2));
	EXPECT_EQ(ZX_OK, set_content_size(vmo, 100));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 200, 0xbb));
	EXPECT_EQ(ZX_OK, set_content_size(vmo, 300));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, 2 * PAGE));
	EXPECT_EQ(ZX_OK, zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE,
						&size, sizeof(size)));
	EXPECT_EQ(300, size);
	EXPECT_EQ(300, stream_size_of(vmo));
}

TEST(set_size_sets_the_stream_size)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, ZX_VMO_RESIZABLE);

	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 10));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 5000));
	EXPECT_EQ(5000, stream_size_of(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 4 * PAGE));
	EXPECT_EQ(4 * PAGE, stream_size_of(vmo));
	EXPECT_EQ(ZX_OK, zx_vmo_set_size(vmo, 7));
	EXPECT_EQ(7, stream_size_of(vmo));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 100, 1));
	EXPECT_EQ(7, stream_size_of(vmo));
}

TEST(unbounded_up_to_max)
{
	zx_handle_t vmo = new_vmo(5, ZX_VMO_UNBOUNDED);

	EXPECT_EQ(ZX_OK, put_byte(vmo, ZX_VMO_MAX_SIZE - 1, 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_VMO_MAX_SIZE, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0, ZX_VMO_MAX_SIZE - 1, ZX_VMO_MAX_SIZE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, zx_vmo_set_stream_size(vmo, ZX_VMO_MAX_SIZE + 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 0));
}

TEST(mappings_show_the_zeroes)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 2 * PAGE, &at));
	memset(at, 0xaa, 2 * PAGE);
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 100));
	EXPECT_TRUE(all_bytes(at, 0xaa, 100));
	EXPECT_TRUE(all_bytes(at + 100, 0, 2 * PAGE - 100));
	/* Beyond the stream size an ordinary mapping can still be written. */
	EXPECT_EQ(0, probe_write(at + PAGE, 0xcc));
	EXPECT_TRUE(holds(vmo, 0xcc, PAGE, PAGE + 1));
	EXPECT_EQ(100, stream_size_of(vmo));
}

TEST(spec_167_property_needs_write)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t setter = with_rights(vmo, ZX_RIGHT_SET_PROPERTY | ZX_RIGHT_READ);
	zx_handle_t writer = with_rights(vmo, ZX_RIGHT_WRITE);
	zx_handle_t getter = with_rights(vmo, ZX_RIGHT_GET_PROPERTY);
	uint64_t size = 1;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_content_size(setter, 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_set_property(setter, ZX_PROP_VMO_CONTENT_SIZE, &size, 7));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_content_size(writer, 1));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, &size, 7));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_set_property(vmo, ZX_PROP_VMO_CONTENT_SIZE,
					 (char *)page_before_hole() + PAGE, 8));
	EXPECT_EQ(ZX_OK, zx_object_get_property(getter, ZX_PROP_VMO_CONTENT_SIZE,
						&size, sizeof(size)));
	EXPECT_EQ(PAGE, size);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_get_property(setter, ZX_PROP_VMO_CONTENT_SIZE,
					 &size, sizeof(size)));
}

static unsigned char *shared_at;

static void *touch_in_thread(void *arg)
{
	/* By the kernel, as the probe is not for several threads at once. */
	return (void *)(long)(write(*(int *)arg, shared_at + PAGE, 1) == 1);
}

TEST(spec_180_fault_beyond_stream_size)
{
	zx_vm_option_t options = READ_WRITE | ZX_VM_ALLOW_FAULTS |
				 ZX_VM_FAULT_BEYOND_STREAM_SIZE;
	zx_handle_t vmo = new_vmo(3 * PAGE, 0);
	int file = memfd_create("x", 0);
	unsigned char *at, *plain;
	pthread_t thread;
	void *touched;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, options, 3 * PAGE, &at));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 3 * PAGE, &plain));
	shared_at = at;
	memset(at, 0xaa, 3 * PAGE);
	/* Up to the end of the page in which the stream ends. */
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 100));
	EXPECT_EQ(0, probe_read(at + PAGE - 1));
	EXPECT_EQ(SIGBUS, probe_read(at + PAGE));
	EXPECT_EQ(SIGBUS, probe_write(at + 2 * PAGE, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, touch_in_thread, &file));
	ASSERT_EQ(0, pthread_join(thread, &touched));
	EXPECT_NULL(touched);
	EXPECT_EQ(0, probe_write(plain + 2 * PAGE, 0xbb));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE + 1));
	EXPECT_TRUE(all_bytes(at + 100, 0, 2 * PAGE - 100));
	EXPECT_EQ(SIGBUS, probe_read(at + 2 * PAGE));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 3 * PAGE));
	EXPECT_EQ(0, probe_write(at + 2 * PAGE, 0xcc));
	EXPECT_EQ(0xcc, plain[2 * PAGE]);
	/* Without ALLOW_FAULTS there is no such mapping. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  map_vmo(vmo, options & ~ZX_VM_ALLOW_FAULTS, PAGE, &at));
	vmo = new_vmo(0, ZX_VMO_UNBOUNDED);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, options, 2 * PAGE, &at));
	EXPECT_EQ(SIGBUS, probe_read(at));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 1));
	EXPECT_EQ(0, probe_write(at + PAGE - 1, 1));
	EXPECT_EQ(SIGBUS, probe_write(at + PAGE, 1));
}

TEST_HARNESS_MAIN
