// SPDX-License-Identifier: GPL-2.0
//
// The C++ wrappers of lib/zx: who owns a handle, and that each method makes
// the call of its name with the arguments in their places.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <type_traits>
#include <utility>

#include <lib/zx/clock.h>
#include <lib/zx/event.h>
#include <lib/zx/eventpair.h>
#include <lib/zx/handle.h>
#include <lib/zx/port.h>
#include <lib/zx/process.h>
#include <lib/zx/result.h>
#include <lib/zx/stream.h>
#include <lib/zx/vmar.h>
#include <lib/zx/vmo.h>
#include <zircon/assert.h>

#include "cpp_test.hh"

static constexpr size_t kPage = ZX_PAGE_SIZE;

// What must not compile: copies, and a handle of one type as another.
static_assert(!std::is_copy_constructible<zx::vmo>::value, "");
static_assert(!std::is_copy_assignable<zx::vmo>::value, "");
static_assert(std::is_move_constructible<zx::vmo>::value, "");
static_assert(std::is_move_assignable<zx::vmo>::value, "");
static_assert(!std::is_convertible<zx::event, zx::vmo>::value, "");
static_assert(!std::is_assignable<zx::vmo &, zx::event>::value, "");
static_assert(!std::is_convertible<zx_handle_t, zx::vmo>::value, "");
static_assert(!std::is_convertible<zx::handle, zx::vmo>::value, "");
static_assert(std::is_constructible<zx::vmo, zx::handle>::value, "");
static_assert(std::is_convertible<zx::vmo, zx::handle>::value, "");
static_assert(std::is_copy_constructible<zx::unowned_vmo>::value, "");
static_assert(!std::is_convertible<zx::vmo, zx::unowned_vmo>::value, "");
static_assert(sizeof(zx::vmo) == sizeof(zx_handle_t), "");
static_assert(sizeof(zx::unowned_vmo) == sizeof(zx_handle_t), "");

// Times are computed by the compiler where they are constants.
static_assert(zx::sec(2) + zx::msec(500) == zx::msec(2500), "");
static_assert(zx::hour(1) / zx::min(1) == 60, "");
static_assert(zx::sec(7) % zx::sec(4) == zx::sec(3), "");
static_assert(zx::min(1).to_secs() == 60 && zx::usec(1999).to_msecs() == 1, "");
static_assert(zx::duration::infinite() + zx::nsec(1) == zx::duration::infinite(), "");
static_assert(zx::time::infinite_past() - zx::sec(1) == zx::time::infinite_past(), "");
static_assert(zx::duration::infinite() * 2 == zx::duration::infinite(), "");
static_assert(zx::duration::infinite() * -2 == zx::duration::infinite_past(), "");
static_assert(zx::duration::infinite_past() / -1 == zx::duration::infinite(), "");
static_assert(zx::time(5) - zx::time(7) == zx::nsec(-2), "");
static_assert(zx::nsec(-1).to_timespec().tv_sec == -1, "");
static_assert(zx::nsec(-1).to_timespec().tv_nsec == 999999999, "");
static_assert(zx::duration(zx::msec(-1500).to_timespec()) == zx::msec(-1500), "");
static_assert(3 * zx::usec(1) == zx::nsec(3000), "");

static zx_koid_t koid(const zx::object_base &object)
{
	zx_info_handle_basic_t info = {};

	EXPECT_EQ(object.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr), ZX_OK);
	return info.koid;
}

static uint32_t handle_count(const zx::object_base &object)
{
	zx_info_handle_count_t info = {};

	EXPECT_EQ(object.get_info(ZX_INFO_HANDLE_COUNT, &info, sizeof(info), nullptr, nullptr), ZX_OK);
	return info.handle_count;
}

TEST(the_end_of_the_scope_closes_the_handle)
{
	zx_handle_t value;
	{
		zx::vmo vmo;
		EXPECT(!vmo.is_valid() && !vmo && vmo.get() == ZX_HANDLE_INVALID);
		ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
		EXPECT(vmo.is_valid() && vmo);
		value = vmo.get();
		EXPECT_EQ(*vmo.get_address(), value);
		EXPECT_EQ(zx_handle_check_valid(value), ZX_OK);
	}
	EXPECT_EQ(zx_handle_check_valid(value), ZX_ERR_NOT_FOUND);
}

TEST(a_move_leaves_one_owner)
{
	zx::vmo first, second;
	ASSERT_OK(zx::vmo::create(kPage, 0, &first));
	ASSERT_OK(zx::vmo::create(kPage, 0, &second));
	zx_handle_t one = first.get(), two = second.get();

	zx::vmo moved(std::move(first));
	EXPECT(!first.is_valid() && moved.get() == one);
	// What is assigned to is closed.
	second = std::move(moved);
	EXPECT(!moved.is_valid() && second.get() == one);
	EXPECT_EQ(zx_handle_check_valid(two), ZX_ERR_NOT_FOUND);

	zx::vmo &same = second;
	second = std::move(same);
	EXPECT_EQ(second.get(), one);
	EXPECT_EQ(handle_count(second), 1);
}

TEST(release_reset_and_swap)
{
	zx::vmo vmo, other;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	zx_handle_t value = vmo.release();
	EXPECT(!vmo.is_valid());
	EXPECT_EQ(zx_handle_check_valid(value), ZX_OK);

	vmo.reset(value);
	vmo.swap(other);
	EXPECT(!vmo.is_valid() && other.get() == value);
	EXPECT_EQ(zx_vmo_create(kPage, 0, other.reset_and_get_address()), ZX_OK);
	EXPECT_EQ(zx_handle_check_valid(value), ZX_ERR_NOT_FOUND);
	value = other.get();
	other.reset();
	EXPECT(!other.is_valid());
	EXPECT_EQ(zx_handle_check_valid(value), ZX_ERR_NOT_FOUND);
}

TEST(any_type_becomes_a_handle_and_back)
{
	zx::event event;
	ASSERT_OK(zx::event::create(0, &event));
	zx_koid_t id = koid(event);

	zx::handle any = std::move(event);
	EXPECT(!event.is_valid());
	EXPECT_EQ(koid(any), id);
	event = zx::event(std::move(any));
	EXPECT(!any.is_valid());
	EXPECT_EQ(koid(event), id);
}

TEST(unowned_does_not_close)
{
	zx::vmo vmo;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	{
		zx::unowned_vmo borrowed(vmo), copy = borrowed, by_value(vmo.get());
		EXPECT(borrowed && copy == by_value && vmo.borrow() == copy);
		uint64_t size = 0;
		EXPECT_EQ(copy->get_size(&size), ZX_OK);
		EXPECT_EQ(size, kPage);
		EXPECT_EQ((*copy).get(), vmo.get());

		zx::unowned_vmo moved = std::move(borrowed);
		EXPECT(!borrowed.is_valid() && moved.is_valid());
		copy = moved;
		moved = zx::unowned_vmo();
		EXPECT(!moved && copy->get() == vmo.get());
		zx::unowned_handle any(vmo.get());
		EXPECT_EQ(koid(*any), koid(vmo));
	}
	EXPECT_EQ(handle_count(vmo), 1);
}

TEST(duplicate_and_replace)
{
	zx::vmo vmo, reader;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	ASSERT_OK(vmo.duplicate(ZX_RIGHT_READ | ZX_RIGHT_INSPECT, &reader));
	EXPECT(vmo != reader);
	EXPECT_EQ(koid(vmo), koid(reader));
	EXPECT_EQ(handle_count(reader), 2);
	EXPECT_EQ(reader.write("x", 0, 1), ZX_ERR_ACCESS_DENIED);

	// Into itself; and a failure takes the handle away as well.
	ASSERT_OK(vmo.replace(ZX_RIGHT_WRITE | ZX_RIGHT_TRANSFER, &vmo));
	EXPECT_EQ(vmo.write("x", 0, 1), ZX_OK);
	char byte = 0;
	EXPECT_EQ(vmo.read(&byte, 0, 1), ZX_ERR_ACCESS_DENIED);
	EXPECT_EQ(reader.read(&byte, 0, 1), ZX_OK);
	EXPECT_EQ(byte, 'x');
	EXPECT_EQ(vmo.replace(ZX_RIGHT_READ, &vmo), ZX_ERR_INVALID_ARGS);
	EXPECT(!vmo.is_valid());
	EXPECT_EQ(handle_count(reader), 1);
	EXPECT_EQ(reader.duplicate(ZX_RIGHT_SAME_RIGHTS, &vmo), ZX_ERR_ACCESS_DENIED);
	EXPECT(!vmo.is_valid());
}

TEST(sizes_of_a_vmo)
{
	zx::vmo vmo;
	uint64_t size = 0;
	ASSERT_OK(zx::vmo::create(100, ZX_VMO_RESIZABLE, &vmo));
	EXPECT_EQ(vmo.get_stream_size(&size), ZX_OK);
	EXPECT_EQ(size, 100);
	EXPECT_EQ(vmo.set_size(3 * kPage - 1), ZX_OK);
	EXPECT_EQ(vmo.get_size(&size), ZX_OK);
	EXPECT_EQ(size, 3 * kPage);
	EXPECT_EQ(vmo.set_stream_size(200), ZX_OK);
	EXPECT_EQ(vmo.get_prop_content_size(&size), ZX_OK);
	EXPECT_EQ(size, 200);
	EXPECT_EQ(vmo.set_prop_content_size(300), ZX_OK);
	EXPECT_EQ(vmo.get_stream_size(&size), ZX_OK);
	EXPECT_EQ(size, 300);
}

TEST(a_child_into_its_own_parent)
{
	zx::vmo vmo;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	zx_koid_t parent = koid(vmo);
	EXPECT_EQ(vmo.write("before", 0, 7), ZX_OK);
	ASSERT_OK(vmo.create_child(ZX_VMO_CHILD_SNAPSHOT, 0, kPage, &vmo));
	EXPECT(koid(vmo) != parent);
	char text[7] = {};
	EXPECT_EQ(vmo.read(text, 0, sizeof(text)), ZX_OK);
	EXPECT_EQ(strcmp(text, "before"), 0);
	// A child that cannot be made leaves an empty result.
	zx::vmo child;
	ASSERT_OK(zx::vmo::create(kPage, 0, &child));
	EXPECT_EQ(vmo.create_child(0, 0, kPage, &child), ZX_ERR_INVALID_ARGS);
	EXPECT(!child.is_valid());
}

TEST(operations_of_a_vmo)
{
	zx::vmo vmo, other;
	ASSERT_OK(zx::vmo::create(4 * kPage, 0, &vmo));
	ASSERT_OK(zx::vmo::create(4 * kPage, 0, &other));
	EXPECT_EQ(vmo.op_range(ZX_VMO_OP_COMMIT, kPage, 2 * kPage, nullptr, 0), ZX_OK);
	zx_info_vmo_t info = {};
	EXPECT_EQ(vmo.get_info(ZX_INFO_VMO, &info, sizeof(info), nullptr, nullptr), ZX_OK);
	EXPECT_EQ(info.committed_bytes, 2 * kPage);

	EXPECT_EQ(vmo.write("move", kPage, 5), ZX_OK);
	EXPECT_EQ(other.transfer_data(0, 3 * kPage, kPage, &vmo, kPage), ZX_OK);
	char text[5] = {};
	EXPECT_EQ(other.read(text, 3 * kPage, sizeof(text)), ZX_OK);
	EXPECT_EQ(strcmp(text, "move"), 0);

	EXPECT_EQ(vmo.set_cache_policy(ZX_CACHE_POLICY_MASK + 1), ZX_ERR_INVALID_ARGS);
	EXPECT_EQ(vmo.set_cache_policy(ZX_CACHE_POLICY_CACHED), ZX_OK);

	char name[ZX_MAX_NAME_LEN] = {};
	EXPECT_EQ(vmo.set_property(ZX_PROP_NAME, "texture", 7), ZX_OK);
	EXPECT_EQ(vmo.get_property(ZX_PROP_NAME, name, sizeof(name)), ZX_OK);
	EXPECT_EQ(strcmp(name, "texture"), 0);
}

TEST(an_executable_into_itself)
{
	zx::vmo vmo;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	zx_handle_t before = vmo.get();
	ASSERT_OK(vmo.replace_as_executable(zx::resource(), &vmo));
	EXPECT_EQ(zx_handle_check_valid(before), ZX_ERR_NOT_FOUND);
	zx_info_handle_basic_t info = {};
	EXPECT_EQ(vmo.get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr, nullptr), ZX_OK);
	EXPECT_EQ(info.rights, ZX_DEFAULT_VMO_RIGHTS | ZX_RIGHT_EXECUTE);
	EXPECT_EQ(info.type, zx::vmo::TYPE);
}

TEST(regions)
{
	zx::vmo vmo;
	zx::vmar region;
	zx_vaddr_t at = 0, base = 0;
	ASSERT_OK(zx::vmo::create(2 * kPage, 0, &vmo));
	EXPECT_EQ(vmo.write("mapped", kPage, 7), ZX_OK);
	ASSERT_OK(zx::vmar::root_self()->allocate(
		ZX_VM_CAN_MAP_READ | ZX_VM_CAN_MAP_WRITE | ZX_VM_CAN_MAP_SPECIFIC, 0, 16 * kPage,
		&region, &base));
	ASSERT_OK(region.map(ZX_VM_PERM_READ | ZX_VM_PERM_WRITE | ZX_VM_SPECIFIC, 4 * kPage, vmo,
			     kPage, kPage, &at));
	EXPECT_EQ(at, base + 4 * kPage);
	EXPECT_EQ(strcmp(reinterpret_cast<char *>(at), "mapped"), 0);
	EXPECT_EQ(region.protect(ZX_VM_PERM_READ, at, kPage), ZX_OK);
	EXPECT_EQ(region.protect(ZX_VM_PERM_READ | ZX_VM_PERM_EXECUTE, at, kPage), ZX_ERR_ACCESS_DENIED);
	EXPECT_EQ(region.op_range(ZX_VMAR_OP_ZERO, at, kPage, nullptr, 0), ZX_OK);
	EXPECT_EQ(*reinterpret_cast<char *>(at), 0);
	EXPECT_EQ(region.unmap(at, kPage), ZX_OK);
	EXPECT_EQ(region.destroy(), ZX_OK);
	EXPECT_EQ(region.destroy(), ZX_ERR_BAD_STATE);
	EXPECT_EQ(zx::vmar::root_self()->destroy(), ZX_ERR_NOT_SUPPORTED);
}

TEST(streams)
{
	zx::vmo vmo;
	zx::stream stream;
	ASSERT_OK(zx::vmo::create(kPage, 0, &vmo));
	EXPECT_EQ(vmo.set_stream_size(0), ZX_OK);
	ASSERT_OK(zx::stream::create(ZX_STREAM_MODE_READ | ZX_STREAM_MODE_WRITE, vmo, 0, &stream));

	char hello[] = "hello ", world[] = "world";
	zx_iovec_t out[] = { { hello, 6 }, { world, 5 } };
	size_t actual = 0;
	zx_off_t position = 0;
	EXPECT_EQ(stream.writev(0, out, 2, &actual), ZX_OK);
	EXPECT_EQ(actual, 11);
	EXPECT_EQ(stream.writev_at(0, 6, out, 1, &actual), ZX_OK);
	EXPECT_EQ(stream.seek(ZX_STREAM_SEEK_ORIGIN_START, 3, &position), ZX_OK);
	EXPECT_EQ(position, 3);

	char text[8] = {};
	zx_iovec_t in = { text, 7 };
	EXPECT_EQ(stream.readv(0, &in, 1, &actual), ZX_OK);
	EXPECT_EQ(strcmp(text, "lo hell"), 0);
	EXPECT_EQ(stream.readv_at(0, 10, &in, 1, &actual), ZX_OK);
	EXPECT_EQ(actual, 2);

	uint8_t append = 7;
	EXPECT_EQ(stream.get_prop_mode_append(&append), ZX_OK);
	EXPECT_EQ(append, 0);
	EXPECT_EQ(stream.set_prop_mode_append(1), ZX_OK);
	EXPECT_EQ(stream.get_prop_mode_append(&append), ZX_OK);
	EXPECT_EQ(append, 1);
}

TEST(events_and_ports)
{
	zx::event event;
	zx::port port;
	zx_signals_t seen = 0;
	ASSERT_OK(zx::event::create(0, &event));
	ASSERT_OK(zx::port::create(0, &port));
	EXPECT_EQ(event.wait_one(ZX_EVENT_SIGNALED, zx::time::infinite_past(), &seen), ZX_ERR_TIMED_OUT);
	ASSERT_OK(event.wait_async(port, 7, ZX_EVENT_SIGNALED, ZX_WAIT_ASYNC_ONCE));
	EXPECT_EQ(event.signal(0, ZX_EVENT_SIGNALED), ZX_OK);

	zx_port_packet_t packet = {};
	ASSERT_OK(port.wait(zx::deadline_after(zx::sec(10)), &packet));
	EXPECT_EQ(packet.key, 7);
	EXPECT_EQ(packet.type, ZX_PKT_TYPE_SIGNAL_ONE);
	EXPECT_EQ(packet.signal.observed, ZX_EVENT_SIGNALED);

	packet = {};
	packet.key = 9;
	EXPECT_EQ(port.queue(&packet), ZX_OK);
	packet.key = 0;
	EXPECT_EQ(port.wait(zx::time::infinite(), &packet), ZX_OK);
	EXPECT_EQ(packet.key, 9);

	ASSERT_OK(event.wait_async(port, 8, ZX_USER_SIGNAL_0, 0));
	EXPECT_EQ(port.cancel(event, 8), ZX_OK);
	EXPECT_EQ(port.cancel(event, 8), ZX_ERR_NOT_FOUND);

	zx_wait_item_t item = { event.get(), ZX_EVENT_SIGNALED, 0 };
	EXPECT_EQ(zx::event::wait_many(&item, 1, zx::time::infinite()), ZX_OK);
	EXPECT_EQ(item.pending, ZX_EVENT_SIGNALED);
}

TEST(pairs)
{
	zx::eventpair one, two;
	zx_signals_t seen = 0;
	ASSERT_OK(zx::eventpair::create(0, &one, &two));
	EXPECT_EQ(one.signal_peer(0, ZX_USER_SIGNAL_3), ZX_OK);
	EXPECT_EQ(two.wait_one(ZX_USER_SIGNAL_3, zx::time::infinite_past(), &seen), ZX_OK);
	one.reset();
	EXPECT_EQ(two.wait_one(ZX_EVENTPAIR_PEER_CLOSED, zx::time(), &seen), ZX_OK);
	EXPECT_EQ(seen, ZX_USER_SIGNAL_3 | ZX_EVENTPAIR_PEER_CLOSED);
}

TEST(the_clock_and_the_process)
{
	zx::time begin = zx::clock::get_monotonic();
	EXPECT_EQ(zx::nanosleep(begin + zx::msec(2)), ZX_OK);
	EXPECT(zx::clock::get_monotonic() - begin >= zx::msec(2));
	EXPECT(zx::deadline_after(zx::duration::infinite()) == zx::time::infinite());
	zx_info_handle_basic_t info = {};
	EXPECT_EQ(zx::process::self()->get_info(ZX_INFO_HANDLE_BASIC, &info, sizeof(info), nullptr,
						nullptr), ZX_OK);
	EXPECT_EQ(info.type, ZX_OBJ_TYPE_PROCESS);
	ZX_ASSERT(info.koid != 0);
	ZX_DEBUG_ASSERT_MSG(info.koid != 0, "koid %d", 0);
}

static zx::result<zx::vmo> make_vmo(uint64_t size, uint32_t options)
{
	zx::vmo vmo;
	zx_status_t status = zx::vmo::create(size, options, &vmo);

	return zx::make_result(status, std::move(vmo));
}

static zx::result<uint64_t> size_of_new_vmo(uint64_t size, uint32_t options)
{
	zx::result<zx::vmo> vmo = make_vmo(size, options);
	if (vmo.is_error())
		return vmo.take_error();
	uint64_t now = 0;
	if (zx_status_t status = vmo->get_size(&now); status != ZX_OK)
		return zx::error(status);
	return zx::ok(now);
}

static_assert(zx::make_result(ZX_ERR_STOP).error_value() == ZX_ERR_STOP, "");
static_assert(zx::result<int>(zx::ok(7)).value() == 7, "");
static_assert(zx::result<int>(zx::error(ZX_ERR_STOP)).value_or(9) == 9, "");
static_assert(!std::is_constructible<zx::result<int>, int>::value, "");
static_assert(!std::is_copy_constructible<zx::result<zx::vmo>>::value, "");

TEST(results)
{
	zx::result<zx::vmo> made = make_vmo(1, 0);
	EXPECT(made.is_ok() && !made.is_error());
	EXPECT_EQ(made.status_value(), ZX_OK);
	EXPECT(made->is_valid());
	zx::vmo vmo = std::move(made).value();
	EXPECT(vmo.is_valid() && !made->is_valid());
	zx::result<zx::handle> any = make_vmo(1, 0).take_value();
	EXPECT(any.is_ok() && any->is_valid());

	EXPECT_EQ(size_of_new_vmo(kPage + 1, 0).value(), 2 * kPage);
	zx::result<uint64_t> failed = size_of_new_vmo(1, ~0u);
	EXPECT_EQ(failed.error_value(), ZX_ERR_INVALID_ARGS);
	EXPECT_EQ(strcmp(failed.status_string(), "ZX_ERR_INVALID_ARGS"), 0);
	EXPECT_EQ(failed.value_or(3), 3);
	EXPECT_EQ(zx::result<>(failed).status_value(), ZX_ERR_INVALID_ARGS);
	EXPECT(zx::make_result(vmo.set_size(0)).is_error());
	EXPECT(zx::make_result(vmo.set_stream_size(0)).is_ok());
}

// Whether it aborts.
static bool aborts(void (*body)())
{
	pid_t child = fork();
	if (child == 0) {
		// Expected, so nobody needs to read of it.
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		body();
		_exit(0);
	}
	int status = 0;
	return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

TEST(assertions_abort)
{
	EXPECT(aborts([] { ZX_ASSERT(!ZX_PAGE_SIZE); }));
	EXPECT(aborts([] { ZX_PANIC("%s", "because"); }));
	EXPECT(aborts([] { (void)size_of_new_vmo(1, ~0u).value(); }));
	EXPECT(aborts([] { (void)zx::error(ZX_OK); }));
	EXPECT(!aborts([] { ZX_ASSERT(ZX_PAGE_SIZE); }));
}

RUN_TESTS
