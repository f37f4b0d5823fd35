// SPDX-License-Identifier: GPL-2.0
//
// A component as it would be written for Fuchsia, in its style and with nothing
// but its headers: a journal that clients append to through streams, and of
// which they get read-only snapshots. The tests are its clients.

#include <string.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <lib/zx/event.h>
#include <lib/zx/port.h>
#include <lib/zx/stream.h>
#include <lib/zx/vmar.h>
#include <lib/zx/vmo.h>
#include <zircon/errors.h>
#include <zircon/rights.h>
#include <zircon/status.h>

#include "cpp_test.hh"

namespace journal {

// A mapping that is undone in the end.
class MappedVmo {
 public:
  MappedVmo() = default;
  MappedVmo(const MappedVmo&) = delete;
  MappedVmo& operator=(const MappedVmo&) = delete;
  ~MappedVmo() {
    if (address_ != 0) {
      zx::vmar::root_self()->unmap(address_, size_);
    }
  }

  zx_status_t Map(const zx::vmo& vmo, zx_vm_option_t options) {
    if (zx_status_t status = vmo.get_size(&size_); status != ZX_OK) {
      return status;
    }
    return zx::vmar::root_self()->map(options, 0, vmo, 0, size_, &address_);
  }

  const char* data() const { return reinterpret_cast<const char*>(address_); }
  char* mutable_data() { return reinterpret_cast<char*>(address_); }

 private:
  zx_vaddr_t address_ = 0;
  uint64_t size_ = 0;
};

class Journal {
 public:
  static constexpr zx_signals_t kChanged = ZX_USER_SIGNAL_0;

  zx_status_t Init(uint64_t capacity) {
    if (zx_status_t status = zx::vmo::create(capacity, 0, &vmo_); status != ZX_OK) {
      return status;
    }
    if (zx_status_t status = vmo_.set_stream_size(0); status != ZX_OK) {
      return status;
    }
    return vmo_.set_property(ZX_PROP_NAME, "journal", strlen("journal"));
  }

  // A stream that can only append.
  zx_status_t OpenWriter(zx::stream* writer) {
    return zx::stream::create(ZX_STREAM_MODE_WRITE | ZX_STREAM_MODE_APPEND, vmo_, 0, writer);
  }

  // What is in the journal now, for good.
  zx_status_t Snapshot(zx::vmo* snapshot) {
    uint64_t size;
    if (zx_status_t status = vmo_.get_stream_size(&size); status != ZX_OK) {
      return status;
    }
    zx::vmo child;
    if (zx_status_t status = vmo_.create_child(
            ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE, 0, size, &child);
        status != ZX_OK) {
      return status;
    }
    return child.replace(ZX_RIGHTS_BASIC | ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_GET_PROPERTY,
                         snapshot);
  }

  zx_status_t NotifyChanged() const { return vmo_.signal(0, kChanged); }
  zx::unowned_vmo vmo() const { return vmo_.borrow(); }

 private:
  zx::vmo vmo_;
};

static zx_status_t Append(const zx::stream& writer, std::string line) {
  zx_iovec_t vector = {line.data(), line.size()};
  size_t actual;
  if (zx_status_t status = writer.writev(0, &vector, 1, &actual); status != ZX_OK) {
    return status;
  }
  return actual == line.size() ? ZX_OK : ZX_ERR_NO_SPACE;
}

static zx_status_t ReadAll(const zx::vmo& vmo, std::string* text) {
  uint64_t size;
  if (zx_status_t status = vmo.get_stream_size(&size); status != ZX_OK) {
    return status;
  }
  text->resize(size);
  return vmo.read(text->data(), 0, size);
}

TEST(snapshots_do_not_change) {
  Journal journal;
  zx::stream writer;
  zx::vmo before, after;
  ASSERT_OK(journal.Init(1 << 20));
  ASSERT_OK(journal.OpenWriter(&writer));
  ASSERT_OK(Append(writer, "one\n"));
  ASSERT_OK(journal.Snapshot(&before));
  ASSERT_OK(Append(writer, "two\n"));
  ASSERT_OK(journal.Snapshot(&after));

  std::string text;
  ASSERT_OK(ReadAll(before, &text));
  EXPECT(text == "one\n");
  ASSERT_OK(ReadAll(after, &text));
  EXPECT(text == "one\ntwo\n");
  char name[ZX_MAX_NAME_LEN];
  ASSERT_OK(after.get_property(ZX_PROP_NAME, name, sizeof(name)));
  EXPECT(name == std::string("journal"));
}

TEST(clients_can_do_what_their_handles_allow) {
  Journal journal;
  zx::stream writer;
  zx::vmo snapshot;
  ASSERT_OK(journal.Init(ZX_PAGE_SIZE));
  ASSERT_OK(journal.OpenWriter(&writer));
  ASSERT_OK(Append(writer, "line\n"));
  ASSERT_OK(journal.Snapshot(&snapshot));

  EXPECT_EQ(snapshot.write("x", 0, 1), ZX_ERR_ACCESS_DENIED);
  char byte;
  zx_iovec_t vector = {&byte, 1};
  EXPECT_EQ(writer.readv(0, &vector, 1, nullptr), ZX_ERR_ACCESS_DENIED);
  MappedVmo readable, writable;
  EXPECT_EQ(writable.Map(snapshot, ZX_VM_PERM_READ | ZX_VM_PERM_WRITE), ZX_ERR_ACCESS_DENIED);
  ASSERT_OK(readable.Map(snapshot, ZX_VM_PERM_READ));
  EXPECT(std::string(readable.data(), 5) == "line\n");
  EXPECT(std::string(zx_status_get_string(snapshot.set_size(0))) == "ZX_ERR_ACCESS_DENIED");

  ASSERT_OK(Append(writer, std::string(ZX_PAGE_SIZE - 5, 'x')));
  EXPECT_EQ(Append(writer, "full"), ZX_ERR_OUT_OF_RANGE);
}

TEST(appends_of_many_threads_are_all_there) {
  constexpr int kThreads = 4, kLines = 200;
  Journal journal;
  zx::vmo snapshot;
  std::atomic<int> failures = 0;
  ASSERT_OK(journal.Init(1 << 20));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&journal, &failures, i] {
      zx::stream writer;
      if (journal.OpenWriter(&writer) != ZX_OK) {
        failures++;
      }
      for (int line = 0; line < kLines; line++) {
        if (Append(writer, std::string(9, static_cast<char>('a' + i)) + "\n") != ZX_OK) {
          failures++;
        }
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failures, 0);

  std::string text;
  ASSERT_OK(journal.Snapshot(&snapshot));
  ASSERT_OK(ReadAll(snapshot, &text));
  EXPECT_EQ(text.size(), kThreads * kLines * 10);
  int whole = 0;
  for (size_t at = 0; at + 10 <= text.size(); at += 10) {
    whole += text.substr(at, 10) == std::string(9, text[at]) + "\n";
  }
  EXPECT_EQ(whole, kThreads * kLines);
}

// The journal waits on one port for the end of its clients' snapshots, for a
// change, and to be told to stop.
TEST(a_loop_that_serves_events) {
  enum Key : uint64_t { kIdle = 1, kChange, kStop };
  Journal journal;
  zx::port port;
  zx::event stop;
  zx::vmo snapshot;
  ASSERT_OK(journal.Init(ZX_PAGE_SIZE));
  ASSERT_OK(zx::port::create(0, &port));
  ASSERT_OK(zx::event::create(0, &stop));
  ASSERT_OK(journal.Snapshot(&snapshot));
  ASSERT_OK(journal.vmo()->wait_async(port, kIdle, ZX_VMO_ZERO_CHILDREN, 0));
  ASSERT_OK(journal.vmo()->wait_async(port, kChange, Journal::kChanged, 0));
  ASSERT_OK(stop.wait_async(port, kStop, ZX_EVENT_SIGNALED, 0));

  std::vector<uint64_t> served;
  zx_status_t last = ZX_OK;
  std::thread server([&] {
    zx_port_packet_t packet = {};
    while (packet.key != kStop) {
      last = port.wait(zx::deadline_after(zx::sec(30)), &packet);
      if (last != ZX_OK) {
        return;
      }
      served.push_back(packet.key);
    }
  });
  EXPECT_EQ(journal.NotifyChanged(), ZX_OK);
  snapshot.reset();
  EXPECT_EQ(stop.signal(0, ZX_EVENT_SIGNALED), ZX_OK);
  server.join();
  EXPECT_EQ(last, ZX_OK);
  EXPECT((served == std::vector<uint64_t>{kChange, kIdle, kStop}));
}

}  // namespace journal

RUN_TESTS
