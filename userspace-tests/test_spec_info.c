// SPDX-License-Identifier: GPL-2.0
/* Information and properties: specification sections 19, 20 and 28.12. */
#include "zx_test.h"

static zx_status_t get_info(zx_handle_t handle, uint32_t topic, void *buffer, size_t size)
{
	return zx_object_get_info(handle, topic, buffer, size, NULL, NULL);
}

static zx_status_t set_name(zx_handle_t vmo, const void *name, size_t size)
{
	return zx_object_set_property(vmo, ZX_PROP_NAME, name, size);
}

static zx_status_t get_name(zx_handle_t vmo, char *name, size_t size)
{
	return zx_object_get_property(vmo, ZX_PROP_NAME, name, size);
}

TEST(spec_111_handle_valid)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), bad = closed_handle();
	size_t actual = 7, avail = 8;
	char byte = 9;

	EXPECT_EQ(ZX_OK, get_info(vmo, ZX_INFO_HANDLE_VALID, NULL, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, get_info(bad, ZX_INFO_HANDLE_VALID, NULL, 0));
	EXPECT_EQ(ZX_OK, zx_object_get_info(vmo, ZX_INFO_HANDLE_VALID, &byte, 1, &actual, &avail));
	EXPECT_EQ(7, actual);
	EXPECT_EQ(8, avail);
	EXPECT_EQ(9, byte);
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, get_info(bad, 0x12345, NULL, 0));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, get_info(vmo, ZX_INFO_NONE, NULL, 0));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, get_info(vmo, 0x40000017, NULL, 0));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, get_info(bad, ZX_INFO_VMO, NULL, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, get_info(vmo, ZX_INFO_VMAR, NULL, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, get_info(vmo, ZX_INFO_STREAM, NULL, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE, get_info(zx_vmar_root_self(), ZX_INFO_VMO, NULL, 0));
}

TEST(spec_112_buffer_rules)
{
	static const struct {
		uint32_t topic;
		size_t size;
	} records[] = {
		{ ZX_INFO_VMO, 176 }, { ZX_INFO_VMO_V1, 104 },
		{ ZX_INFO_VMO_V2, 120 }, { ZX_INFO_VMO_V3, 128 },
		{ ZX_INFO_HANDLE_BASIC, 32 }, { ZX_INFO_HANDLE_COUNT, 4 },
	};
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char all[176], buffer[300];
	size_t i, size, actual, avail;

	ASSERT_EQ(ZX_OK, get_info(vmo, ZX_INFO_VMO, all, sizeof(all)));
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		size = records[i].size;
		memset(buffer, 0xee, sizeof(buffer));
		actual = avail = 9;
		EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
			  zx_object_get_info(vmo, records[i].topic, buffer, size - 1,
					     &actual, &avail));
		EXPECT_EQ(0, actual);
		EXPECT_EQ(1, avail);
		EXPECT_TRUE(all_bytes(buffer, 0xee, sizeof(buffer)));
		actual = avail = 9;
		EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
			  zx_object_get_info(vmo, records[i].topic, NULL, 0, &actual, &avail));
		EXPECT_EQ(0, actual);
		EXPECT_EQ(1, avail);
		EXPECT_EQ(ZX_OK, zx_object_get_info(vmo, records[i].topic, buffer,
						    sizeof(buffer), &actual, &avail));
		EXPECT_EQ(1, actual);
		EXPECT_EQ(1, avail);
		EXPECT_FALSE(all_bytes(buffer, 0xee, size));
		EXPECT_TRUE(all_bytes(buffer + size, 0xee, sizeof(buffer) - size));
		if (i < 4)
			EXPECT_EQ(0, memcmp(all, buffer, size));
		/* A bad buffer: nothing else is written. */
		actual = avail = 9;
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_object_get_info(vmo, records[i].topic, NULL, size, &actual, &avail));
		EXPECT_EQ(9, actual);
		EXPECT_EQ(9, avail);
		EXPECT_EQ(ZX_ERR_INVALID_ARGS,
			  zx_object_get_info(vmo, records[i].topic, buffer, size,
					     (size_t *)((char *)page_before_hole() + PAGE),
					     NULL));
	}
}

TEST(spec_113_handle_count)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), second, third;
	zx_handle_t blind = without_rights(vmo, ZX_RIGHT_INSPECT);
	zx_info_handle_count_t count;
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, get_info(blind, ZX_INFO_HANDLE_COUNT, &count, 4));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, get_info(blind, ZX_INFO_HANDLE_COUNT, NULL, 0));
	second = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	third = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_close(blind);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ZX_VM_PERM_READ, PAGE, &at));
	EXPECT_EQ(ZX_OK, get_info(third, ZX_INFO_HANDLE_COUNT, &count, 4));
	EXPECT_EQ(3, count.handle_count);
	zx_handle_close(second);
	zx_handle_close(vmo);
	EXPECT_EQ(ZX_OK, get_info(third, ZX_INFO_HANDLE_COUNT, &count, 4));
	EXPECT_EQ(1, count.handle_count);
}

TEST(spec_114_name_buffer)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	char name[40];

	memset(name, 0xee, sizeof(name));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL, get_name(vmo, name, 31));
	EXPECT_TRUE(all_bytes(name, 0xee, sizeof(name)));
	EXPECT_EQ(ZX_OK, set_name(vmo, "abc", 3));
	EXPECT_EQ(ZX_OK, get_name(vmo, name, 32));
	EXPECT_EQ(0, memcmp(name, "abc", 3));
	EXPECT_TRUE(all_bytes(name + 3, 0, 29));
	EXPECT_TRUE(all_bytes(name + 32, 0xee, 8));
	EXPECT_EQ(ZX_OK, get_name(vmo, name, 40));
	EXPECT_TRUE(all_bytes(name + 32, 0xee, 8));
}

TEST(spec_115_name)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t other = without_rights(vmo, ZX_RIGHT_SET_PROPERTY);
	char name[32], long_name[41], *edge;

	memset(long_name, 'x', sizeof(long_name));
	EXPECT_EQ(ZX_OK, set_name(vmo, long_name, 40));
	EXPECT_EQ(ZX_OK, get_name(other, name, 32));
	EXPECT_TRUE(all_bytes(name, 'x', 31));
	EXPECT_EQ(0, name[31]);
	EXPECT_EQ(ZX_OK, set_name(vmo, "ab\0cd", 5));
	EXPECT_EQ(ZX_OK, get_name(vmo, name, 32));
	EXPECT_STREQ("ab", name);
	EXPECT_TRUE(all_bytes(name + 2, 0, 30));
	EXPECT_STREQ("ab", info_of(other).name);
	EXPECT_EQ(ZX_OK, set_name(vmo, "\xff\n\x01", 3));
	EXPECT_STREQ("\xff\n\x01", info_of(vmo).name);
	EXPECT_EQ(ZX_OK, set_name(vmo, "", 0));
	EXPECT_TRUE(all_bytes(info_of(vmo).name, 0, 32));
	/* Only 31 bytes are taken, however many are announced. */
	edge = (char *)page_before_hole() + PAGE - 31;
	memset(edge, 'y', 31);
	EXPECT_EQ(ZX_OK, set_name(vmo, edge, 1000));
	EXPECT_TRUE(all_bytes(info_of(vmo).name, 'y', 31));
	EXPECT_EQ(ZX_OK, set_name(vmo, "z", 1));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, set_name(other, "no", 2));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, set_name(vmo, (char *)page_before_hole() + PAGE, 1));
	EXPECT_STREQ("z", info_of(vmo).name);
	/* The root region has no property rights to begin with. */
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, get_name(zx_vmar_root_self(), name, 32));
}

TEST(spec_116_property_order)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	zx_handle_t none = with_rights(vmo, ZX_RIGHT_NONE);
	char bytes[32];

	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_get_property(closed_handle(), ZX_PROP_NAME, NULL, 32));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_object_set_property(closed_handle(), ZX_PROP_NAME, NULL, 0));
	EXPECT_EQ(ZX_ERR_INVALID_ARGS, zx_object_get_property(vmo, 999, NULL, 0));
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_get_property(vmo, ZX_PROP_VMO_CONTENT_SIZE, bytes, 7));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_object_get_property(closed_handle(), 999, bytes, 32));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_get_property(none, 999, bytes, 32));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, zx_object_set_property(none, 999, bytes, 32));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_object_get_property(vmo, 999, bytes, 32));
	EXPECT_EQ(ZX_ERR_NOT_SUPPORTED, zx_object_set_property(vmo, 999, bytes, 32));
	/* A property of streams: the size comes before the type. */
	EXPECT_EQ(ZX_ERR_BUFFER_TOO_SMALL,
		  zx_object_get_property(vmo, ZX_PROP_STREAM_MODE_APPEND, bytes, 0));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_get_property(vmo, ZX_PROP_STREAM_MODE_APPEND, bytes, 1));
	EXPECT_EQ(ZX_ERR_WRONG_TYPE,
		  zx_object_set_property(vmo, ZX_PROP_STREAM_MODE_APPEND, bytes, 1));
}

TEST(flags)
{
	EXPECT_EQ(0x009, info_of(new_vmo(1, 0)).flags);
	EXPECT_EQ(0x00b, info_of(new_vmo(1, ZX_VMO_RESIZABLE)).flags);
	EXPECT_EQ(0x089, info_of(new_vmo(1, ZX_VMO_DISCARDABLE)).flags);
	EXPECT_EQ(0x08b, info_of(new_vmo(1, ZX_VMO_DISCARDABLE | ZX_VMO_RESIZABLE)).flags);
	EXPECT_EQ(0x009, info_of(new_vmo(1, ZX_VMO_UNBOUNDED)).flags);
}

TEST(spec_144_metadata)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);

	EXPECT_EQ(0, info_of(vmo).metadata_bytes);
	EXPECT_EQ(ZX_OK, put_byte(vmo, 0, 1));
	EXPECT_NE(0, info_of(vmo).metadata_bytes);
}

TEST(spec_141_zeros_count)
{
	zx_handle_t vmo = new_vmo(3 * PAGE, 0);
	unsigned char *at;

	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, 3 * PAGE, &at));
	EXPECT_EQ(ZX_OK, put_byte(vmo, 0, 0));
	EXPECT_EQ(PAGE, committed(vmo));
	EXPECT_EQ(0, probe_write(at + PAGE, 0));
	EXPECT_EQ(2 * PAGE, committed(vmo));
}

TEST(accounting_of_a_vmo_alone)
{
	zx_handle_t vmo = new_vmo(9 * PAGE, 0);
	zx_info_vmo_t info;

	ASSERT_EQ(ZX_OK, fill(vmo, 0, 3));
	ASSERT_EQ(ZX_OK, put_byte(vmo, 8 * PAGE, 1));
	info = info_of(with_rights(vmo, ZX_RIGHT_NONE));
	EXPECT_EQ(4 * PAGE, info.committed_bytes);
	EXPECT_EQ(4 * PAGE, info.populated_bytes);
	EXPECT_EQ(4 * PAGE, info.committed_private_bytes);
	EXPECT_EQ(4 * PAGE, info.populated_private_bytes);
	EXPECT_EQ(4 * PAGE, info.committed_scaled_bytes);
	EXPECT_EQ(4 * PAGE, info.populated_scaled_bytes);
	EXPECT_EQ(0, info.committed_fractional_scaled_bytes);
	EXPECT_EQ(0, info.populated_fractional_scaled_bytes);
	EXPECT_EQ(0, info.committed_change_events);
	EXPECT_EQ(0, info.handle_rights);
	EXPECT_TRUE(all_bytes(info.padding1, 0, sizeof(info.padding1)));
}

TEST_HARNESS_MAIN
