// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: specification sections 24.1 and 20.4, cases 168 to 179. What is
 * wrong with arguments, and in which order, is in test_spec_stream_checks.c.
 */
#include "zx_stream_test.h"

TEST(spec_168_no_name)
{
	zx_handle_t stream = new_stream(new_vmo(PAGE, 0), MODE_READ_WRITE, 0);
	char name[ZX_MAX_NAME_LEN] = "x";
	uint64_t size = 5;

	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_object_get_property(stream, ZX_PROP_NAME, name, 32));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, zx_object_set_property(stream, ZX_PROP_NAME, name, 1));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_get_property(stream, ZX_PROP_NAME, name, 31));
	/* The name is copied before anybody looks at the type. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_set_property(stream, ZX_PROP_NAME, (void *)1, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_set_property(stream, ZX_PROP_NAME, (void *)1, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_get_property(stream, ZX_PROP_NAME, NULL, 32));
	/* Nor is the content size of the VMO the stream's. */
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_get_property(stream, ZX_PROP_VMO_CONTENT_SIZE, &size, 8));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_set_property(stream, ZX_PROP_VMO_CONTENT_SIZE, (void *)1, 8));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_set_property(stream, ZX_PROP_VMO_CONTENT_SIZE, &size, 7));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_object_set_property(without_rights(stream, ZX_RIGHT_WRITE),
					 ZX_PROP_VMO_CONTENT_SIZE, &size, 7));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_object_get_property(stream, 99, name, 1));
}

TEST(spec_169_modes)
{
	static const uint32_t modes[] = { 0, ZX_STREAM_MODE_APPEND };
	zx_handle_t vmo = with_rights(new_vmo(PAGE, 0), ZX_RIGHT_NONE), stream;
	zx_info_handle_basic_t basic;
	char byte = 0;
	size_t i;

	for (i = 0; i < 2; i++) {
		stream = new_stream(vmo, modes[i], 0);
		ASSERT_NE(ZX_HANDLE_INVALID, stream);
		ASSERT_EQ(ZX_OK, zx_object_get_info(stream, ZX_INFO_HANDLE_BASIC, &basic,
						    sizeof(basic), NULL, NULL));
		EXPECT_EQ(0xD0C3, basic.rights);
		EXPECT_EQ(ZX_DEFAULT_STREAM_RIGHTS, basic.rights);
		EXPECT_EQ(ZX_OBJ_TYPE_STREAM, basic.type);
		EXPECT_EQ(0, basic.related_koid);
		EXPECT_NE(info_of(vmo).koid, basic.koid);
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_read(stream, &byte, 1));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_write(stream, &byte, 1));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_append(stream, &byte, 1));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_read_at(stream, 0, &byte, 0));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, stream_write_at(stream, 0, &byte, 0));
		EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_stream_seek(stream, 0, 0, NULL));
		EXPECT_EQ(modes[i], stream_info(stream).options);
	}
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_create(8, closed_handle(), 0, &stream));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_create(1U << 31, vmo, 0, &stream));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_stream_create(ZX_STREAM_MODE_READ, vmo, 0, &stream));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_stream_create(ZX_STREAM_MODE_WRITE, vmo, 0, &stream));
}

TEST(spec_169_rights_by_mode)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), stream;
	zx_info_handle_basic_t basic;
	zx_rights_t rights;
	uint32_t mode;
	char byte = 1;

	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 1));
	for (mode = 0; mode < 8; mode++) {
		rights = ZX_RIGHT_NONE;
		rights |= mode & ZX_STREAM_MODE_READ ? ZX_RIGHT_READ : 0;
		rights |= mode & ZX_STREAM_MODE_WRITE ? ZX_RIGHT_WRITE : 0;
		stream = new_stream(with_rights(vmo, rights), mode, 0);
		ASSERT_EQ(ZX_OK, zx_object_get_info(stream, ZX_INFO_HANDLE_BASIC, &basic,
						    sizeof(basic), NULL, NULL));
		EXPECT_EQ(0xD0C3 | rights, basic.rights);
		EXPECT_EQ(mode, stream_info(stream).options);
		EXPECT_EQ(rights & ZX_RIGHT_WRITE ? 1 : ZX_ERR_ACCESS_DENIED,
			  stream_write(stream, &byte, 1));
		EXPECT_EQ(rights & ZX_RIGHT_READ ? 1 : ZX_ERR_ACCESS_DENIED,
			  stream_read_at(stream, 0, &byte, 1));
		EXPECT_EQ(rights ? ZX_OK : ZX_ERR_ACCESS_DENIED,
			  zx_stream_seek(stream, 0, 0, NULL));
	}
}

TEST(spec_170_vectors)
{
	char a[4] = "abc", b[4] = "def", *hole = (char *)page_before_hole() + PAGE;
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_iovec_t wraps[] = { { a, SIZE_MAX }, { b, 1 } };
	zx_iovec_t empty[] = { { NULL, 0 }, { (void *)-1L, 0 }, { hole, 0 } };
	zx_iovec_t both[] = { { hole, 0 }, { a, 3 }, { NULL, 0 }, { b, 3 }, { hole, 0 } };
	size_t actual = UNTOUCHED;

	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(stream, 0, NULL, 0, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(stream, 0, NULL, 0, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv_at(stream, 0, 0, NULL, 0, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev_at(stream, 0, 0, NULL, 0, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(stream, 0, wraps, 2, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(stream, 0, wraps, 2, &actual));
	/* A vector that cannot be read; none of it matters if there is none of it. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_readv(stream, 0, (void *)hole, 1, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(stream, 0, (void *)-16L, 2, &actual));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_writev(stream, 0, empty, SIZE_MAX, &actual));
	EXPECT_EQ(UNTOUCHED, actual);
	EXPECT_EQ(ZX_OK, zx_stream_readv(stream, 0, (void *)hole, 0, &actual));
	EXPECT_EQ(0, actual);
	actual = UNTOUCHED;
	EXPECT_EQ(ZX_OK, zx_stream_readv(stream, 0, empty, 3, &actual));
	EXPECT_EQ(0, actual);
	EXPECT_EQ(ZX_OK, seek_to(stream, UINT64_MAX));
	actual = UNTOUCHED;
	EXPECT_EQ(ZX_OK, zx_stream_writev(stream, ZX_STREAM_APPEND, empty, 3, &actual));
	EXPECT_EQ(0, actual);
	EXPECT_EQ(UINT64_MAX, position_of(stream));
	/* Empty buffers are passed over, wherever they are. */
	EXPECT_EQ(ZX_OK, zx_stream_writev_at(stream, 0, 0, both, 5, &actual));
	EXPECT_EQ(6, actual);
	memset(a, 0, 3);
	memset(b, 0, 3);
	EXPECT_EQ(ZX_OK, zx_stream_readv_at(stream, 0, 0, both, 5, &actual));
	EXPECT_EQ(6, actual);
	EXPECT_EQ(0, memcmp(a, "abc", 3) | memcmp(b, "def", 3));
}

/* More buffers than Linux has in one of its own vectors, and of all sizes. */
TEST(spec_170_long_vectors)
{
	static zx_iovec_t vector[100000];
	static unsigned char in[300000], out[300000];
	zx_handle_t vmo = new_vmo(80 * PAGE, 0);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE | ZX_STREAM_MODE_APPEND, 0);
	size_t actual, at = 0, i;

	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 0));
	for (i = 0; i < sizeof(in); i++)
		in[i] = i * 7 + i / 251;
	for (i = 0; i < ARRAY_SIZE(vector); i++) {
		vector[i] = (zx_iovec_t){ in + at, i % 7 };
		at += i % 7;
	}
	ASSERT_GT(sizeof(in), at);
	ASSERT_EQ(ZX_OK, zx_stream_writev(stream, 0, vector, ARRAY_SIZE(vector), &actual));
	EXPECT_EQ(at, actual);
	EXPECT_EQ(at, stream_size_of(vmo));
	EXPECT_EQ(at, position_of(stream));
	for (i = 0; i < ARRAY_SIZE(vector); i++)
		vector[i].buffer = (unsigned char *)vector[i].buffer - in + out;
	EXPECT_EQ(ZX_OK, zx_stream_readv_at(stream, 0, 0, vector, ARRAY_SIZE(vector), &actual));
	EXPECT_EQ(at, actual);
	EXPECT_EQ(0, memcmp(in, out, at));
	EXPECT_TRUE(all_bytes(out + at, 0, sizeof(out) - at));
}

TEST(spec_171_position)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 10);
	zx_handle_t other = with_rights(stream, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t own = new_stream(vmo, MODE_READ_WRITE, 0);
	zx_iovec_t vector = { "abcdef", 6 };
	char buffer[8] = { };
	zx_off_t at;

	EXPECT_EQ(10, position_of(stream));
	EXPECT_EQ(6, stream_write(stream, "abcdef", 6));
	EXPECT_EQ(16, position_of(stream));
	/* Handles of one stream share the position, streams do not. */
	EXPECT_EQ(16, position_of(other));
	EXPECT_EQ(0, position_of(own));
	EXPECT_EQ(3, stream_read_at(stream, 11, buffer, 3));
	EXPECT_EQ(0, memcmp(buffer, "bcd", 4));
	EXPECT_EQ(2, stream_write_at(stream, 100, "xy", 2));
	EXPECT_EQ(16, position_of(stream));
	EXPECT_EQ(ZX_OK, zx_stream_seek(other, ZX_STREAM_SEEK_ORIGIN_CURRENT, -4, &at));
	EXPECT_EQ(12, at);
	EXPECT_EQ(2, stream_read(stream, buffer, 2));
	EXPECT_EQ(0, memcmp(buffer, "cdd", 4));
	EXPECT_EQ(14, position_of(other));
	/* Who does not ask is not told. */
	EXPECT_EQ(ZX_OK, zx_stream_writev(stream, 0, &vector, 1, NULL));
	EXPECT_EQ(20, position_of(stream));
	EXPECT_EQ(ZX_OK, zx_stream_writev_at(stream, 0, 0, &vector, 1, NULL));
	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, 0, NULL));
	vector.buffer = buffer;
	EXPECT_EQ(ZX_OK, zx_stream_readv(stream, 0, &vector, 1, NULL));
	EXPECT_EQ(0, memcmp(buffer, "abcdef", 6));
	EXPECT_EQ(ZX_OK, zx_stream_readv_at(stream, 0, 1, &vector, 1, NULL));
	EXPECT_EQ(0, memcmp(buffer, "bcdef", 6));
	EXPECT_EQ(6, position_of(stream));
}

TEST(spec_172_end_of_the_vmo)
{
	static const uint32_t options[] = { 0, ZX_VMO_RESIZABLE };
	static unsigned char bytes[3 * PAGE];
	zx_handle_t vmo, stream;
	size_t i;

	memset(bytes, 0x42, sizeof(bytes));
	for (i = 0; i < 2; i++) {
		vmo = new_vmo(2 * PAGE, options[i]);
		ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 100));
		stream = new_stream(vmo, MODE_READ_WRITE, 2 * PAGE - 5);
		EXPECT_EQ(5, stream_write(stream, bytes, 10));
		EXPECT_EQ(2 * PAGE, position_of(stream));
		EXPECT_EQ(2 * PAGE, stream_size_of(vmo));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_write(stream, bytes, 1));
		EXPECT_EQ(0, stream_write(stream, bytes, 0));
		EXPECT_EQ(2 * PAGE - 1, stream_write_at(stream, 1, bytes, sizeof(bytes)));
		EXPECT_EQ(ZX_ERR_FILE_BIG, stream_write_at(stream, UINT64_MAX, bytes, 1));
		EXPECT_EQ(ZX_ERR_FILE_BIG, stream_write_at(stream, PAGE, bytes, -PAGE));
		EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_write_at(stream, -2UL, bytes, 1));
		/* What is cut off need not be there. */
		EXPECT_EQ(PAGE, stream_write_at(stream, PAGE, bytes, -PAGE - 1));
		EXPECT_EQ(2 * PAGE, size_of(vmo));
		EXPECT_TRUE(holds(vmo, 0x42, 1, 2 * PAGE));
	}
}

TEST(spec_173_appends_that_do_not_fit)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t stream = new_stream(vmo, MODE_READ_WRITE, 7);
	char byte = 1;

	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_append(stream, &byte, 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_append(stream, &byte, SIZE_MAX - PAGE + 1));
	EXPECT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE - 1));
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_append(stream, &byte, SIZE_MAX));
	EXPECT_EQ(PAGE - 1, stream_size_of(vmo));
	EXPECT_EQ(7, position_of(stream));
	EXPECT_EQ(1, stream_append(stream, &byte, SIZE_MAX - PAGE));
	EXPECT_EQ(PAGE, position_of(stream));
	EXPECT_EQ(PAGE, stream_size_of(vmo));
	/* At the position it would be too big instead. */
	EXPECT_EQ(ZX_ERR_FILE_BIG, stream_write(stream, &byte, SIZE_MAX - PAGE + 1));
}

TEST(spec_174_gaps)
{
	zx_handle_t vmo = vmo_with_content(4, 100), stream;
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 4 * PAGE, &at));
	stream = new_stream(vmo, MODE_READ_WRITE, 2 * PAGE + 10);
	EXPECT_EQ(3, stream_write(stream, "abc", 3));
	EXPECT_EQ(2 * PAGE + 13, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 0, 100));
	EXPECT_TRUE(holds(vmo, 0, 100, 2 * PAGE + 10));
	EXPECT_TRUE(holds(vmo, 0xaa, 2 * PAGE + 13, 4 * PAGE));
	EXPECT_TRUE(all_bytes(at + 100, 0, 2 * PAGE - 90));
	EXPECT_EQ(0, memcmp(at + 2 * PAGE + 10, "abc\xaa", 4));
	/* The whole page of the gap is given back. */
	EXPECT_EQ(3 * PAGE, committed(vmo));
	/* Beyond the VMO nothing happens at all. */
	EXPECT_EQ(ZX_ERR_OUT_OF_RANGE, stream_write_at(stream, 4 * PAGE, "x", 1));
	EXPECT_EQ(2 * PAGE + 13, stream_size_of(vmo));
	EXPECT_TRUE(holds(vmo, 0xaa, 2 * PAGE + 13, 4 * PAGE));
	/* Nor where no byte can be had. */
	EXPECT_EQ(ZX_ERR_NOT_FOUND, stream_write_at(stream, 3 * PAGE, NULL, 1));
	EXPECT_TRUE(holds(vmo, 0xaa, 2 * PAGE + 13, 4 * PAGE));
	/* Without a gap nothing is zeroed. */
	EXPECT_EQ(1, stream_write(stream, "d", 1));
	EXPECT_EQ(2 * PAGE + 14, stream_size_of(vmo));
	EXPECT_EQ(0xaa, at[2 * PAGE + 14]);
}

TEST(spec_175_append_mode)
{
	zx_handle_t vmo = vmo_with_content(1, 10), stream, other;
	zx_info_stream_t info;
	uint8_t append = 7;

	stream = new_stream(vmo, MODE_READ_WRITE, 2);
	other = without_rights(stream, ZX_RIGHT_WRITE | ZX_RIGHT_READ);
	ASSERT_EQ(ZX_OK, zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND,
						&append, 1));
	EXPECT_EQ(0, append);
	/* SET_PROPERTY is enough, and every handle sees it. */
	ASSERT_EQ(ZX_OK, set_append(other, 5));
	ASSERT_EQ(ZX_OK, zx_object_get_property(stream, ZX_PROP_STREAM_MODE_APPEND,
						&append, 1));
	EXPECT_EQ(1, append);
	info = stream_info(stream);
	EXPECT_EQ(MODE_READ_WRITE | ZX_STREAM_MODE_APPEND, info.options);
	EXPECT_EQ(2, info.seek);
	EXPECT_EQ(10, info.content_size);
	EXPECT_EQ(3, stream_write(stream, "abc", 3));
	EXPECT_EQ(13, position_of(stream));
	/* The calls with an offset have nothing to do with it. */
	EXPECT_EQ(1, stream_write_at(stream, 0, "x", 1));
	EXPECT_EQ(13, stream_size_of(vmo));
	ASSERT_EQ(ZX_OK, seek_to(stream, 1));
	ASSERT_EQ(ZX_OK, set_append(stream, 0));
	info = stream_info(stream);
	EXPECT_EQ(MODE_READ_WRITE, info.options);
	EXPECT_EQ(1, info.seek);
	EXPECT_EQ(13, info.content_size);
	EXPECT_EQ(1, stream_write(stream, "y", 1));
	EXPECT_EQ(2, position_of(stream));
	EXPECT_EQ(13, stream_size_of(vmo));
	EXPECT_EQ(1, stream_append(stream, "z", 1));
	EXPECT_EQ(14, position_of(stream));
	EXPECT_TRUE(holds(vmo, 'x', 0, 1) && holds(vmo, 'y', 1, 2) && holds(vmo, 'c', 12, 13));
	EXPECT_TRUE(holds(vmo, 'z', 13, 14) && holds(vmo, 0xaa, 14, PAGE));
	/* Made so. */
	stream = new_stream(vmo, MODE_READ_WRITE | ZX_STREAM_MODE_APPEND, 0);
	EXPECT_EQ(1, stream_write(stream, "!", 1));
	EXPECT_EQ(15, position_of(stream));
}

TEST(spec_177_seeking)
{
	zx_handle_t vmo = vmo_with_content(1, 100);
	zx_handle_t stream = new_stream(vmo, ZX_STREAM_MODE_READ, UINT64_MAX);
	zx_off_t at = 0;

	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 0, &at));
	EXPECT_EQ(UINT64_MAX, at);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, 1, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, INT64_MAX, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, -1, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_END, -101, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_seek(stream, 3, 0, &at));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_stream_seek(stream, UINT32_MAX, 0, &at));
	EXPECT_EQ(UINT64_MAX, at);
	EXPECT_EQ(UINT64_MAX, position_of(stream));
	EXPECT_EQ(0, stream_read(stream, &at, 8));
	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_CURRENT, INT64_MIN, &at));
	EXPECT_EQ((uint64_t)INT64_MAX, at);
	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_END, -100, &at));
	EXPECT_EQ(0, at);
	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_END, INT64_MAX, &at));
	EXPECT_EQ(100 + (uint64_t)INT64_MAX, at);
	EXPECT_EQ(ZX_OK, zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, INT64_MAX, &at));
	EXPECT_EQ((uint64_t)INT64_MAX, at);
	/* A bad place for the answer: the position has moved all the same. */
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_stream_seek(stream, ZX_STREAM_SEEK_ORIGIN_START, 5, (void *)8));
	EXPECT_EQ(5, position_of(stream));
}

TEST(spec_179_reading_at_the_end)
{
	zx_handle_t vmo = vmo_with_content(2, 100), stream;
	char buffer[PAGE];

	memset(buffer, 1, PAGE);
	stream = new_stream(vmo, ZX_STREAM_MODE_READ, 90);
	EXPECT_EQ(10, stream_read(stream, buffer, PAGE));
	EXPECT_TRUE(all_bytes(buffer, 0xaa, 10) && all_bytes(buffer + 10, 1, PAGE - 10));
	/* Whatever the buffers are. */
	EXPECT_EQ(0, stream_read(stream, NULL, 5));
	EXPECT_EQ(0, stream_read_at(stream, PAGE, (void *)-8L, SIZE_MAX));
	EXPECT_EQ(100, position_of(stream));
	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, 50));
	EXPECT_EQ(0, stream_read(stream, buffer, 1));
	EXPECT_EQ(100, position_of(stream));
	EXPECT_EQ(50, stream_read_at(stream, 0, buffer, SIZE_MAX));
	/* Position and capacity may pass 2^64. */
	EXPECT_EQ(0, stream_read_at(stream, UINT64_MAX, buffer, SIZE_MAX));
	ASSERT_EQ(ZX_OK, zx_vmo_set_stream_size(vmo, PAGE));
	EXPECT_EQ(PAGE - 100, stream_read(stream, buffer, PAGE));
	EXPECT_TRUE(all_bytes(buffer, 0, PAGE - 100));
}

TEST_HARNESS_MAIN
