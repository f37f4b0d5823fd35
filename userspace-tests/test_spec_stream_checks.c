// SPDX-License-Identifier: GPL-2.0
/*
 * Streams and what surrounds them: the order of checks, bad buffers, the calls
 * that all handles know, relatives of the VMO and the life of both.
 */
#include <pthread.h>

#include "zx_stream_test.h"

TEST(spec_178_bad_buffers)
{
	char *page = page_before_hole(), *hole = page + PAGE;
	char *none = anon_pages(1, PROT_NONE), *code = anon_pages(1, PROT_READ);
	void *bad[] = { NULL, hole, (void *)-8L, (void *)0x00007ffffffff000UL,
			(void *)0x8000000000000000UL };
	zx_handle_t vmo = vmo_with_content(2, 100);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 50);
	zx_iovec_t vector[] = { { page, 3 }, { NULL, 5 }, { page, 3 } };
	size_t actual = UNTOUCHED, i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_read(stream, bad[i], 20));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_write(stream, bad[i], 20));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_write(stream, bad[i], PAGE));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_write_at(stream, 99, bad[i], 20));
		EXPECT_EQ(50, position_of(stream));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_append(stream, bad[i], 20));
		EXPECT_EQ(ZX_OK, seek_to(stream, 50));
		vector[1].buffer = bad[i];
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_stream_readv(stream, 0, vector + 1, 2, &actual));
		EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_stream_writev(stream, 0, vector + 1, 2, &actual));
		EXPECT_EQ(UNTOUCHED, actual);
		/* Bad later: what came before counts, what comes after does not. */
		EXPECT_EQ(ZX_OK, zx_stream_readv(stream, 0, vector, 3, &actual));
		EXPECT_EQ(3, actual);
		EXPECT_EQ(53, position_of(stream));
		EXPECT_EQ(ZX_OK, seek_to(stream, 50));
		actual = UNTOUCHED;
	}
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_read(stream, none, 20));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_read(stream, code, 20));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_write(stream, none, 20));
	EXPECT_EQ(20, stream_write(stream, code, 20));
	EXPECT_EQ(100, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 70, 2 * PAGE));
	/* The edge is inside a buffer: to the byte. */
	memset(page, 'x', PAGE);
	EXPECT_EQ(ZX_OK, seek_to(stream, 200));
	EXPECT_EQ(7, stream_write(stream, hole - 7, 100));
	EXPECT_EQ(207, position_of(stream));
	EXPECT_EQ(207, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0, 100, 200) && holds(vmo, 'x', 200, 207));
	EXPECT_TRUE(holds(vmo, 0xaa, 207, 2 * PAGE));
	EXPECT_EQ(9, stream_append(stream, hole - 9, PAGE));
	EXPECT_EQ(216, stream_size_of(vmo));
	EXPECT_EQ(11, stream_read_at(stream, 0, hole - 11, 100));
	vector[0].buffer = (void *)(hole - 2);
	EXPECT_EQ(ZX_OK, zx_stream_writev(stream, ZX_STREAM_APPEND, vector, 3, &actual));
	EXPECT_EQ(2, actual);
	EXPECT_EQ(218, stream_size_of(vmo));
}

/* A buffer that ends where user memory does, and claims to go on. */
TEST(spec_178_edge_of_user_memory)
{
	char *last = (char *)0x00007fffffffe000UL;
	zx_handle_t vmo = vmo_with_content(2, 2 * PAGE);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 0);

	if (mmap(last, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != last)
		SKIP(return, "no page at the end of user memory");
	EXPECT_EQ(PAGE - 5, stream_read(stream, last + 5, 2 * PAGE));
	EXPECT_TRUE(all_bytes(last + 5, 0xaa, PAGE - 5));
	EXPECT_EQ(PAGE - 10, stream_write_at(stream, 0, last + 10, SIZE_MAX));
	EXPECT_EQ(1, stream_write_at(stream, 0, last + PAGE - 1, SIZE_MAX - 1));
}

TEST(spec_178_order_of_checks)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_handle_t none = with_rights(stream, ZX_RIGHT_NONE), closed = closed_handle();
	zx_handle_t vmar = zx_vmar_root_self(), out = ZX_HANDLE_INVALID;
	zx_iovec_t wraps[] = { { NULL, SIZE_MAX }, { NULL, SIZE_MAX } };
	size_t n = UNTOUCHED;

	/* Options and the vector, the handle, its type, its rights, the sum. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(closed, 1, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv_at(closed, 1, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(closed, 2, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(stream, 3, wraps, 0, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev_at(closed, 1, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev_at(stream, 1, 0, wraps, 0, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(closed, 0, NULL, 0, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(vmo, 0, NULL, 0, &n));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_stream_readv(closed, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_stream_writev(closed, 1, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_readv(vmo, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_writev_at(vmar, 0, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_stream_readv(none, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_stream_writev(none, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(stream, 0, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_writev_at(stream, 0, UINT64_MAX, wraps, 2, &n));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_stream_seek(closed, 9, 0, NULL));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_seek(vmo, 9, 0, NULL));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_stream_seek(none, 9, 0, NULL));
	EXPECT_EQ(ZX_OK, zx_stream_seek(with_rights(stream, ZX_RIGHT_WRITE), 0, 0, NULL));
	EXPECT_EQ(UNTOUCHED, n);
	/* The address of the count is looked at last. */
	wraps[0].capacity = wraps[1].capacity = 0;
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(stream, 0, wraps, 2, (void *)8));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_stream_create(0, closed, 0, &out));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_create(MODE_READ_WRITE, stream, 0, &out));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_create(MODE_READ_WRITE, none, 0, &out));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_stream_create(0, vmar, 0, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_create(0, vmo, 0, NULL));
	EXPECT_EQ(ZX_HANDLE_INVALID, out);
}

TEST(spec_169_calls_of_vmos)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_handle_t out;
	zx_vaddr_t at;
	uint64_t size;
	char byte;

	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_read(stream, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_write(stream, &byte, 0, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_size(stream, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_set_size(stream, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_get_stream_size(stream, &size));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmo_set_stream_size(stream, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, op_range(stream, ZX_VMO_OP_COMMIT, 0, PAGE));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_vmo_create_child(stream, ZX_VMO_CHILD_SNAPSHOT, 0, PAGE, &out));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0,
						 stream, 0, PAGE, &at));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_get_info(stream, ZX_INFO_VMO, NULL, 0, NULL, NULL));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_get_child(stream, 1, 0, &out));
}

TEST(spec_175_information)
{
	zx_handle_t stream = new_stream(vmo_with_content(1, 77), MODE_READ_WRITE, 5);
	unsigned char bytes[64];
	zx_info_stream_t info;
	size_t actual, avail;
	uint8_t append = 9;

	memset(bytes, 0xcc, sizeof(bytes));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_get_info(stream, ZX_INFO_STREAM, bytes, 23, &actual, &avail));
	EXPECT_EQ(0, actual);
	EXPECT_EQ(1, avail);
	EXPECT_TRUE(all_bytes(bytes, 0xcc, sizeof(bytes)));
	EXPECT_EQ(ZX_OK, zx_object_get_info(stream, ZX_INFO_STREAM, bytes, 64, &actual, &avail));
	EXPECT_EQ(1, actual);
	EXPECT_TRUE(all_bytes(bytes + 24, 0xcc, 40) && all_bytes(bytes + 4, 0, 4));
	memcpy(&info, bytes, sizeof(info));
	EXPECT_EQ(MODE_READ_WRITE, info.options);
	EXPECT_EQ(5, info.seek);
	EXPECT_EQ(77, info.content_size);
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_get_info(without_rights(stream, ZX_RIGHT_INSPECT), ZX_INFO_STREAM,
				     bytes, 64, NULL, NULL));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_get_info(stream, ZX_INFO_STREAM, NULL, 64, NULL, NULL));
	/* Rights, the property, its size, its type, the address. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_get_property(without_rights(stream, ZX_RIGHT_GET_PROPERTY),
					 ZX_PROP_STREAM_MODE_APPEND, bytes, 0));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_append(without_rights(stream, ZX_RIGHT_SET_PROPERTY), 1));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND, (void *)8, 0));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_set_property(stream, ZX_PROP_STREAM_MODE_APPEND, (void *)8, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND, (void *)8, 1));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_set_property(stream, ZX_PROP_STREAM_MODE_APPEND, (void *)8, 1));
	EXPECT_EQ(ZX_OK, zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND, &append, 1));
	EXPECT_EQ(0, append);
}

static uint32_t count_of(zx_handle_t handle)
{
	uint32_t count;

	return zx_object_get_info(handle, ZX_INFO_HANDLE_COUNT, &count, sizeof(count), NULL,
				  NULL) ? UINT32_MAX : count;
}

static void *wait_for_close(void *arg)
{
	zx_signals_t observed;
	zx_status_t status;

	status = zx_object_wait_one(*(zx_handle_t *)arg, ZX_USER_SIGNAL_0, ZX_TIME_INFINITE,
				    &observed);
	return (void *)(long)(status == ZX_ERR_CANCELED && observed & ZX_SIGNAL_HANDLE_CLOSED);
}

TEST(spec_169_calls_of_handles)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_handle_t other, waited = with_rights(stream, ZX_RIGHT_SAME_RIGHTS), out;
	zx_signals_t observed = 1;
	pthread_t thread;
	void *canceled;

	EXPECT_EQ(ZX_OK, zx_object_get_info(stream, ZX_INFO_HANDLE_VALID, NULL, 0, NULL, NULL));
	EXPECT_EQ(2, count_of(stream));
	EXPECT_EQ(1, count_of(vmo));
	other = with_rights(stream, ZX_RIGHT_READ | ZX_RIGHT_DUPLICATE);
	EXPECT_EQ(3, count_of(stream));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_duplicate(other, ZX_RIGHT_WRITE, &out));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_replace(other, ZX_RIGHT_WRITE, &out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_stream_seek(other, 0, 0, NULL));
	EXPECT_EQ(2, count_of(stream));
	ASSERT_EQ(ZX_OK, zx_handle_replace(stream, ZX_RIGHT_SAME_RIGHTS, &stream));
	EXPECT_EQ(2, count_of(stream));
	/* No signal is asserted by itself, and the VMO's are others. */
	EXPECT_EQ(ZX_ERR_TIMED_OUT, zx_object_wait_one(stream, UINT32_MAX, 0, &observed));
	EXPECT_EQ(0, observed);
	EXPECT_EQ(ZX_OK, zx_object_signal(stream, 0, ZX_USER_SIGNAL_3));
	EXPECT_EQ(ZX_OK, zx_object_wait_one(waited, ZX_USER_SIGNAL_3, 0, &observed));
	EXPECT_EQ(ZX_USER_SIGNAL_3, observed);
	EXPECT_EQ(ZX_VMO_ZERO_CHILDREN, signals_of(vmo));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_signal(stream, 0, ZX_VMO_ZERO_CHILDREN));
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_close, &waited));
	usleep(20000);
	EXPECT_EQ(ZX_OK, zx_handle_close(waited));
	pthread_join(thread, &canceled);
	EXPECT_NE(NULL, canceled);
	EXPECT_EQ(1, count_of(stream));
}

TEST(spec_193_last_stream)
{
	zx_handle_t vmo = new_vmo(2 * PAGE, 0), child = snapshot_of(vmo, 0, PAGE);
	zx_handle_t stream, dup;
	char byte = 7;

	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(child, 0));
	stream = new_stream(child, MODE_READ_WRITE, 0);
	dup = with_rights(stream, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(ZX_OK, zx_handle_close(child));
	/* The stream keeps it, whichever handle that has. */
	EXPECT_EQ(1, info_of(vmo).num_children);
	EXPECT_EQ(0, signals_of(vmo));
	EXPECT_EQ(1, stream_write(stream, &byte, 1));
	EXPECT_EQ(ZX_OK, zx_handle_close(stream));
	EXPECT_EQ(1, info_of(vmo).num_children);
	EXPECT_EQ(1, stream_read_at(dup, 0, &byte, 1));
	EXPECT_EQ(7, byte);
	ASSERT_EQ(ZX_OK, zx_handle_replace(dup, ZX_RIGHT_NONE, &dup));
	EXPECT_EQ(1, info_of(vmo).num_children);
	EXPECT_EQ(ZX_OK, zx_handle_close(dup));
	EXPECT_EQ(0, info_of(vmo).num_children);
	EXPECT_TRUE(zero_children(vmo));
	/* So does a replacement that fails. */
	child = slice_of(vmo, 0, PAGE);
	stream = new_stream(child, 0, 0);
	EXPECT_EQ(ZX_OK, zx_handle_close(child));
	EXPECT_FALSE(zero_children(vmo));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_handle_replace(stream, ZX_RIGHT_WRITE, &dup));
	EXPECT_TRUE(zero_children(vmo));
}

TEST(spec_176_relatives)
{
	zx_handle_t vmo = vmo_with_content(4, 10), reference = reference_of(vmo);
	zx_handle_t slice, snapshot, one, two;
	char buffer[16] = { };

	one = new_stream(vmo, MODE_READ_WRITE, 0);
	two = new_stream(reference, MODE_READ_WRITE, 0);
	/* One end for both. */
	EXPECT_EQ(3, stream_append(one, "abc", 3));
	EXPECT_EQ(3, stream_append(two, "def", 3));
	EXPECT_EQ(16, stream_size_of(vmo));
	EXPECT_EQ(6, stream_read_at(one, 10, buffer, 16));
	EXPECT_EQ(0, memcmp(buffer, "abcdef", 7));
	snapshot = snapshot_of(vmo, 0, PAGE);
	/* A slice has an end of its own, in the middle of what it shares. */
	slice = slice_of(vmo, PAGE, 2 * PAGE);
	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(slice, 5));
	ASSERT_EQ(ZX_OK, fill(vmo, 0xbb, 4));
	two = new_stream(slice, MODE_READ_WRITE, PAGE);
	EXPECT_EQ(1, stream_write(two, "x", 1));
	EXPECT_EQ(16, stream_size_of(vmo));
	EXPECT_EQ(PAGE + 1, stream_size_of(slice));
	EXPECT_TRUE(holds(vmo, 0xbb, 0, PAGE + 5) && holds(vmo, 0, PAGE + 5, 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 'x', 2 * PAGE, 2 * PAGE + 1));
	EXPECT_TRUE(holds(vmo, 0xbb, 2 * PAGE + 1, 4 * PAGE));
	EXPECT_EQ(PAGE - 1, stream_append(two, anon_pages(2, PROT_READ), 2 * PAGE));
	EXPECT_TRUE(holds(vmo, 0, 2 * PAGE + 1, 3 * PAGE) && holds(vmo, 0xbb, 3 * PAGE, 4 * PAGE));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_append(two, "y", 1));
	/* A snapshot has not seen any of it. */
	one = new_stream(snapshot, MODE_READ_WRITE, 10);
	EXPECT_EQ(6, stream_read(one, buffer, 6));
	EXPECT_EQ(0, memcmp(buffer, "abcdef", 7));
}

TEST(spec_163_ends_of_an_unbounded_vmo)
{
	zx_handle_t vmo = new_vmo(0, ZX_VMO_UNBOUNDED);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, UINT64_MAX - 0x10000);
	char buffer[4] = { };

	/* MAX is 2^64 - 2^16. */
	EXPECT_EQ(1, stream_write(stream, "end", 3));
	EXPECT_EQ(UINT64_MAX - 0xffff, position_of(stream));
	EXPECT_EQ(UINT64_MAX - 0xffff, stream_size_of(vmo));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_append(stream, "x", 1));
	EXPECT_EQ(1, stream_read_at(stream, UINT64_MAX - 0x10000, buffer, SIZE_MAX));
	EXPECT_EQ('e', buffer[0]);
	EXPECT_EQ(4, stream_read_at(stream, 1UL << 63, buffer, 4));
	EXPECT_EQ(PAGE, committed(vmo));
}

/* The buffer is the memory that is written, before and behind itself. */
TEST(spec_165_own_mapping_as_buffer)
{
	zx_handle_t vmo = vmo_with_content(4, 2 * PAGE);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_iovec_t *vector;
	unsigned char *at;
	size_t actual;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	EXPECT_EQ(2 * PAGE, stream_append(stream, at, 2 * PAGE));
	EXPECT_EQ(4 * PAGE, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 4 * PAGE));
	EXPECT_EQ(PAGE, stream_read_at(stream, 0, at + PAGE, PAGE));
	ASSERT_EQ(ZX_OK, op_range(vmo, ZX_VMO_OP_ZERO, 0, 4 * PAGE));
	EXPECT_EQ(PAGE, stream_write_at(stream, 2 * PAGE, at, PAGE));
	/* A vector that a read overwrites counts as it was. */
	vector = (zx_iovec_t *)(at + PAGE);
	vector[0] = (zx_iovec_t){ vector, 2 * sizeof(*vector) };
	vector[1] = (zx_iovec_t){ at, 5 };
	EXPECT_EQ(ZX_OK, zx_stream_readv_at(stream, 0, 2 * PAGE, vector, 2, &actual));
	EXPECT_EQ(2 * sizeof(*vector) + 5, actual);
	EXPECT_TRUE(all_bytes(vector, 0, 2 * sizeof(*vector)));
}

/* What the calls on the VMO refuse, streams do not do either (specification section 10). */
TEST(memory_that_is_not_cached)
{
	zx_handle_t vmo = vmo_with_content(2, 100);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_status_t status = zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_UNCACHED);
	char buffer[8] = "";

	if (status == ZX_ERR_NOT_SUPPORTED)
		SKIP(return, "there is one way to cache memory");
	ASSERT_EQ(ZX_OK, status);
	EXPECT_EQ(ZX_ERR_BAD_STATE, stream_read(stream, buffer, 8));
	EXPECT_EQ(ZX_ERR_BAD_STATE, stream_read_at(stream, 99, buffer, 8));
	EXPECT_EQ(ZX_ERR_BAD_STATE, stream_write(stream, buffer, 8));
	EXPECT_EQ(ZX_ERR_BAD_STATE, stream_write_at(stream, PAGE, buffer, 8));
	EXPECT_EQ(ZX_ERR_BAD_STATE, stream_append(stream, buffer, 8));
	EXPECT_EQ(0, position_of(stream));
	EXPECT_EQ(100, stream_size_of(vmo));
	/* Where nothing would be moved there is nothing to refuse. */
	EXPECT_EQ(0, stream_read(stream, buffer, 0));
	EXPECT_EQ(0, stream_read_at(stream, 100, buffer, 8));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_write_at(stream, 2 * PAGE, buffer, 8));
	ASSERT_EQ(ZX_OK, zx_vmo_set_cache_policy(vmo, ZX_CACHE_POLICY_CACHED));
	EXPECT_EQ(8, stream_read(stream, buffer, 8));
	EXPECT_TRUE(all_bytes(buffer, 0xaa, 8));
}

TEST_HARNESS_MAIN
