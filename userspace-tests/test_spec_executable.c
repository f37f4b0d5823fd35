// SPDX-License-Identifier: GPL-2.0
/* zx_vmo_replace_as_executable: specification sections 9 and 8.3. */
#include "zx_test.h"

#define ALL_PERMS	(READ_WRITE | ZX_VM_PERM_EXECUTE)

/* mov $42, %eax; ret */
static const unsigned char answer[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

static zx_rights_t rights_of(zx_handle_t handle)
{
	zx_info_handle_basic_t basic;

	if (zx_object_get_info(handle, ZX_INFO_HANDLE_BASIC, &basic, sizeof(basic),
			       NULL, NULL))
		return UINT32_MAX;
	return basic.rights;
}

/* The new handle, or ZX_HANDLE_INVALID. */
static zx_handle_t executable(zx_handle_t handle)
{
	if (zx_vmo_replace_as_executable(handle, ZX_HANDLE_INVALID, &handle))
		return ZX_HANDLE_INVALID;
	return handle;
}

TEST(spec_118_rights_and_consumption)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), other = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	zx_handle_t old = vmo, out = 7;
	uint64_t koid = info_of(vmo).koid;

	ASSERT_EQ(ZX_OK, zx_vmo_replace_as_executable(vmo, ZX_HANDLE_INVALID, &vmo));
	EXPECT_NE(old, vmo);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE, rights_of(vmo));
	EXPECT_EQ(koid, info_of(vmo).koid);
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(old));
	/* Of a handle that is executable already. */
	vmo = executable(vmo);
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE, rights_of(vmo));
	/* No right is needed. */
	old = with_rights(other, ZX_RIGHT_NONE);
	EXPECT_EQ(ZX_RIGHT_EXECUTE, rights_of(executable(old)));
	EXPECT_EQ(ZX_DEFAULT_VMO_RIGHTS, rights_of(other));
	/* Without permission, or to no good end, the handle is gone as well. */
	old = with_rights(other, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(old, other, &out));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(old));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(other));
	old = with_rights(other, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE, zx_vmo_replace_as_executable(old, closed_handle(), &out));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(old));
	EXPECT_EQ(7, out);
	old = with_rights(other, ZX_RIGHT_SAME_RIGHTS);
	EXPECT_EQ(ZX_ERR_INVALID_ARGS,
		  zx_vmo_replace_as_executable(old, ZX_HANDLE_INVALID, NULL));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(old));
}

TEST(handles_that_are_no_vmos)
{
	zx_handle_t out = 7, process = with_rights(zx_process_self(), ZX_RIGHT_SAME_RIGHTS);

	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmo_replace_as_executable(closed_handle(), ZX_HANDLE_INVALID, &out));
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmo_replace_as_executable(ZX_HANDLE_INVALID, ZX_HANDLE_INVALID, &out));
	ASSERT_NE(ZX_HANDLE_INVALID, process);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmo_replace_as_executable(process, ZX_HANDLE_INVALID, &out));
	EXPECT_EQ(ZX_ERR_NOT_FOUND, zx_handle_check_valid(process));
	/* This one is always there. */
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmo_replace_as_executable(zx_vmar_root_self(), ZX_HANDLE_INVALID, &out));
	EXPECT_EQ(ZX_OK, zx_handle_check_valid(zx_vmar_root_self()));
	EXPECT_EQ(7, out);
}

TEST(spec_190_code_runs)
{
	zx_handle_t vmo = new_vmo(PAGE, 0);
	unsigned char *at;

	EXPECT_EQ(ZX_ERR_ACCESS_DENIED, map_vmo(vmo, ALL_PERMS, PAGE, &at));
	vmo = executable(vmo);
	ASSERT_EQ(ZX_OK, zx_vmo_write(vmo, answer, 0, sizeof(answer)));
	ASSERT_EQ(ZX_OK, map_vmo(vmo, ALL_PERMS, PAGE, &at));
	EXPECT_EQ(42, ((int (*)(void))at)());
	at[1] = 43;
	EXPECT_EQ(43, ((int (*)(void))at)());
	zx_handle_close(vmo);
	EXPECT_EQ(43, ((int (*)(void))at)());
	munmap(at, PAGE);
}

/* Permissions of a mapping are those of the handle that it was made from. */
TEST(execution_by_protect)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), plain = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	unsigned char *at;

	vmo = executable(vmo);
	ASSERT_EQ(ZX_OK, map_vmo(plain, READ_WRITE, PAGE, &at));
	EXPECT_EQ(ZX_ERR_ACCESS_DENIED,
		  zx_vmar_protect(zx_vmar_root_self(), ALL_PERMS, (zx_vaddr_t)at, PAGE));
	munmap(at, PAGE);
	ASSERT_EQ(ZX_OK, map_vmo(vmo, READ_WRITE, PAGE, &at));
	memcpy(at, answer, sizeof(answer));
	EXPECT_EQ(ZX_OK, zx_vmar_protect(zx_vmar_root_self(), ALL_PERMS, (zx_vaddr_t)at, PAGE));
	EXPECT_EQ(42, ((int (*)(void))at)());
	munmap(at, PAGE);
}

TEST(spec_087_children_of_executable_handles)
{
	zx_handle_t vmo = executable(new_vmo(PAGE, 0));
	static const struct {
		uint32_t options;
		zx_rights_t rights;
	} kinds[] = {
		{ ZX_VMO_CHILD_SNAPSHOT, 0xd0ef },
		{ ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0xd0f7 },
		{ ZX_VMO_CHILD_SNAPSHOT_AT_LEAST_ON_WRITE, 0xd0ef },
		{ ZX_VMO_CHILD_SNAPSHOT_MODIFIED, 0xd0ef },
		{ ZX_VMO_CHILD_SLICE, 0xd0ff },
		{ ZX_VMO_CHILD_SLICE | ZX_VMO_CHILD_NO_WRITE, 0xd0f7 },
		{ ZX_VMO_CHILD_REFERENCE, 0xd0ff },
		{ ZX_VMO_CHILD_REFERENCE | ZX_VMO_CHILD_NO_WRITE, 0xd0f7 },
	};
	unsigned char *at;
	zx_status_t status;
	zx_handle_t child;
	size_t i;

	ASSERT_EQ(ZX_OK, zx_vmo_write(vmo, answer, 0, sizeof(answer)));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		bool reference = kinds[i].options & ZX_VMO_CHILD_REFERENCE;
		bool runs = kinds[i].rights & ZX_RIGHT_EXECUTE;

		child = new_child(vmo, kinds[i].options, 0, reference ? 0 : PAGE);
		EXPECT_EQ(kinds[i].rights, rights_of(child))
			TH_LOG("options %#x", kinds[i].options);
		status = map_vmo(child, ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, PAGE, &at);
		EXPECT_EQ(runs ? ZX_OK : ZX_ERR_ACCESS_DENIED, status);
		if (!status) {
			EXPECT_EQ(42, ((int (*)(void))at)());
			munmap(at, PAGE);
		}
		zx_handle_close(child);
	}
}

/* Waits through the old handle end; those through others do not. */
TEST(waits_and_counts)
{
	zx_handle_t vmo = new_vmo(PAGE, 0), other = with_rights(vmo, ZX_RIGHT_SAME_RIGHTS);
	zx_info_handle_count_t count;

	vmo = executable(vmo);
	ASSERT_EQ(ZX_OK, zx_object_get_info(other, ZX_INFO_HANDLE_COUNT, &count,
					    sizeof(count), NULL, NULL));
	EXPECT_EQ(2, count.handle_count);
	EXPECT_EQ(ZX_ERR_BAD_HANDLE,
		  zx_vmo_replace_as_executable(vmo, zx_vmar_root_self(), &vmo));
	ASSERT_EQ(ZX_OK, zx_object_get_info(other, ZX_INFO_HANDLE_COUNT, &count,
					    sizeof(count), NULL, NULL));
	EXPECT_EQ(1, count.handle_count);
}

TEST_HARNESS_MAIN
