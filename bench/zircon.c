// SPDX-License-Identifier: GPL-2.0
/*
 * The cases of Zircon's own microbenchmark of VMOs, under their names
 * (src/tests/microbenchmarks/vmo.cc of Fuchsia), so that the columns can be
 * laid side by side. One figure is what one iteration takes, all its steps
 * together; what is left out is said below. The same function does the work
 * on a memfd where that has a counterpart.
 */
#include <sys/ioctl.h>

#include <zxvmo.h>

#include "objects.h"

#define STEPS		8	/* "Some" is every eighth page */
#define SEGMENTED	(32 * MIB)
#define MANY		8192

/* Beside the size, which is a multiple of the page size. */
enum how {
	MEMFD = 1,
	WRITE = 2,
	KERNEL = 4,	/* the kernel moves the bytes, not memcpy */
	RANGE = 8,	/* page tables are filled when mapping */
	COMMIT = 16,
	MAP_PARENT = 32,
	CLONE = 64,	/* what is read or written is the clone */
	SOME = 128,
	FRESH = 256,
	HOW = PAGE - 1,
};

/* A VMO or a memfd. */
struct object {
	bool is_memfd;
	zx_handle_t vmo;
	int fd;
	size_t size;
};

static struct object object_of(unsigned long arg, bool committed)
{
	struct object made = { .is_memfd = arg & MEMFD, .size = arg & ~HOW };

	if (made.is_memfd) {
		made.fd = committed ? committed_memfd_of(made.size) : memfd_of(made.size);
	} else {
		must(zx_vmo_create(made.size, 0, &made.vmo) == ZX_OK);
		if (committed)
			vmo_commit(made.vmo, made.size);
	}
	return made;
}

static void object_close(const struct object *object)
{
	if (object->is_memfd)
		close(object->fd);
	else
		vmo_close(object->vmo);
}

static void object_move(const struct object *object, unsigned long how, void *buffer,
			size_t offset, size_t length)
{
	ssize_t moved = length;

	if (object->is_memfd) {
		moved = how & WRITE ? pwrite(object->fd, buffer, length, offset) :
				      pread(object->fd, buffer, length, offset);
		must(moved == (ssize_t)length);
	} else if (how & WRITE) {
		must(zx_vmo_write(object->vmo, buffer, offset, length) == ZX_OK);
	} else {
		must(zx_vmo_read(object->vmo, buffer, offset, length) == ZX_OK);
	}
}

static unsigned char *object_map(const struct object *object, unsigned long how)
{
	int flags = MAP_SHARED | (how & RANGE ? MAP_POPULATE : 0);
	void *at;

	if (!object->is_memfd)
		return vmo_map(object->vmo, object->size,
			       READ_WRITE | (how & RANGE ? ZX_VM_MAP_RANGE : 0));
	at = mmap(NULL, object->size, PROT_READ | PROT_WRITE, flags, object->fd, 0);
	must(at != MAP_FAILED);
	return at;
}

static void object_unmap(const struct object *object, unsigned char *at)
{
	if (object->is_memfd)
		must(munmap(at, object->size) == 0);
	else
		vmo_unmap(at, object->size);
}

/* As many iterations as a mebibyte or two take. */
static int iterations(size_t size)
{
	size_t fit = 2 * MIB / size;

	return fit > 64 ? 64 : fit ? fit : 1;
}

static unsigned char *filled(size_t size)
{
	unsigned char *buffer = private_memory(size);

	memset(buffer, 0x55, size);
	return buffer;
}

/* Vmo/Read, Vmo/Write; with ZeroPage, into a VMO without pages. */
static void read_write(unsigned long arg)
{
	size_t size = arg & ~HOW;
	struct object object = object_of(arg, !(arg & FRESH));
	unsigned char *buffer = filled(size);

	for (int i = 0; i < iterations(size); i++) {
		if (i && arg & FRESH) {
			object_close(&object);
			object = object_of(arg, false);
		}
		begin();
		object_move(&object, arg, buffer, 0, size);
		end();
	}
	must(buffer[size - 1] == (arg & WRITE ? 0x55 : 0));
	count(iterations(size));
	munmap(buffer, size);
	object_close(&object);
}

/* VmoMap, VmoMapRange: map, copy, unmap. The other object is there beforehand. */
static void map_copy(unsigned long arg)
{
	size_t size = arg & ~HOW;
	struct object object = object_of(arg, true), other = object_of(arg, true);
	unsigned char *buffer = filled(size), *at;
	/* Writing to the mapping is reading from the other object. */
	unsigned long reverse = arg & WRITE ? 0 : WRITE;

	object_move(&other, WRITE, buffer, 0, size);
	for (int i = 0; i < iterations(size); i++) {
		begin();
		at = object_map(&object, arg);
		if (arg & KERNEL)
			object_move(&other, reverse, at, 0, size);
		else if (arg & WRITE)
			memcpy(at, buffer, size);
		else
			memcpy(buffer, at, size);
		object_unmap(&object, at);
		end();
	}
	object_move(&object, 0, buffer, 0, size);
	must(buffer[size - 1] == (arg & WRITE ? 0x55 : 0));
	count(iterations(size));
	munmap(buffer, size);
	object_close(&object);
	object_close(&other);
}

/* Vmo/Memcpy: create and map, maybe commit, copy into it, unmap and destroy. */
static void create_copy(unsigned long arg)
{
	size_t size = arg & ~HOW;
	unsigned char *buffer = filled(size), *at;
	struct object object;

	for (int i = 0; i < iterations(size); i++) {
		begin();
		object = object_of(arg, false);
		at = object_map(&object, arg);
		if (arg & COMMIT && object.is_memfd)
			must(fallocate(object.fd, 0, 0, size) == 0);
		else if (arg & COMMIT)
			vmo_commit(object.vmo, size);
		memcpy(at, buffer, size);
		object_unmap(&object, at);
		object_close(&object);
		end();
	}
	count(iterations(size));
	munmap(buffer, size);
}

/* Vmo/CreateWriteReadClose */
static void create_write_read(unsigned long arg)
{
	size_t size = arg & ~HOW;
	unsigned char *buffer = filled(size);
	struct object object;

	for (int i = 0; i < iterations(size); i++) {
		begin();
		object = object_of(arg, false);
		object_move(&object, WRITE, buffer, 0, size);
		object_move(&object, 0, buffer, 0, size);
		object_close(&object);
		end();
	}
	must(buffer[size - 1] == 0x55);
	count(iterations(size));
	munmap(buffer, size);
}

/*
 * Vmo/Clone: clone, close. With MapParent the parent is mapped before and
 * unmapped after; every page is written through the mapping, which is not
 * counted, for an untouched mapping costs a snapshot nothing here.
 */
static void clone_close(unsigned long arg)
{
	size_t size = arg & ~HOW;
	struct object object = object_of(arg, true);
	unsigned char *at = NULL;
	zx_handle_t clone;

	for (int i = 0; i < iterations(size); i++) {
		if (arg & MAP_PARENT) {
			begin();
			at = object_map(&object, arg);
			end();
			write_in_order(at, size / PAGE, i + 1);
		}
		begin();
		clone = snapshot_of(object.vmo, size);
		vmo_close(clone);
		if (arg & MAP_PARENT)
			object_unmap(&object, at);
		end();
	}
	count(iterations(size));
	object_close(&object);
}

/* Vmo/Clone/MapParent*segments: 32 MiB mapped in so many pieces, likewise. */
static void clone_segments(unsigned long segments)
{
	static zx_handle_t vmo;
	static zx_vaddr_t *at;
	size_t piece = SEGMENTED / segments;
	zx_handle_t clone;

	if (!vmo) {
		vmo = committed_vmo_of(SEGMENTED);
		at = calloc(segments, sizeof(*at));
		must(at);
		for (size_t i = 0; i < segments; i++)
			must(zx_vmar_map(zx_vmar_root_self(), READ_WRITE, 0, vmo, i * piece,
					 piece, &at[i]) == ZX_OK);
	}
	for (size_t i = 0; i < segments; i++)
		write_in_order((unsigned char *)at[i], piece / PAGE, 1);
	begin();
	clone = snapshot_of(vmo, SEGMENTED);
	vmo_close(clone);
	end();
	count(1);
}

/* Vmo/MapClone: clone, map for reading with page tables filled, unmap, close. */
static void clone_map(unsigned long arg)
{
	size_t size = arg & ~HOW;
	zx_handle_t vmo = committed_vmo_of(size), clone;
	unsigned char *at;

	for (int i = 0; i < iterations(size); i++) {
		begin();
		clone = snapshot_of(vmo, size);
		at = vmo_map(clone, size, ZX_VM_PERM_READ | ZX_VM_MAP_RANGE);
		vmo_unmap(at, size);
		vmo_close(clone);
		end();
	}
	count(iterations(size));
	vmo_close(vmo);
}

/* Vmo/Clone/{Read,Write}{Orig,Clone}{Some,All}: clone, read or write, close. */
static void clone_use(unsigned long arg)
{
	size_t size = arg & ~HOW;
	struct object object = object_of(arg, true), clone = object;
	unsigned char *buffer = filled(size);
	const struct object *used = arg & CLONE ? &clone : &object;

	for (int i = 0; i < iterations(size); i++) {
		begin();
		clone.vmo = snapshot_of(object.vmo, size);
		if (arg & SOME)
			for (size_t at = 0; at < size; at += STEPS * PAGE)
				object_move(used, arg, buffer, at, PAGE);
		else
			object_move(used, arg, buffer, 0, size);
		vmo_close(clone.vmo);
		end();
	}
	count(iterations(size));
	munmap(buffer, size);
	object_close(&object);
}

/* Vmo/TransferData: the transfer; filling the source is not counted. */
#ifdef ZXVMO_IOC_TRANSFER_DATA
static void transfer(unsigned long arg)
{
	size_t size = arg & ~HOW;
	unsigned char *buffer = filled(size);
	zx_handle_t from = vmo_of(size), to = vmo_of(size);

	for (int i = 0; i < iterations(size); i++) {
		must(zx_vmo_write(from, buffer, 0, size) == ZX_OK);
		begin();
		must(zx_vmo_transfer_data(to, 0, 0, size, from, 0) == ZX_OK);
		end();
	}
	must(vmo_pages(to) == size / PAGE && !vmo_pages(from));
	count(iterations(size));
	munmap(buffer, size);
	vmo_close(from);
	vmo_close(to);
}
#else
static void transfer(unsigned long arg __always_unused)
{
	skip("zx_vmo_transfer_data is not there");
}
#endif

/* Vmo/ManyMappingsReadWriteDecommit: a page that 8192 mappings show. */
static void many_mappings(unsigned long mappings)
{
	static zx_handle_t vmo;
	static zx_vaddr_t *at;
	unsigned char page[PAGE] = { 1 };

	if (!vmo) {
		vmo = vmo_of(PAGE);
		at = calloc(mappings, sizeof(*at));
		must(at);
		for (size_t i = 0; i < mappings; i++)
			must(zx_vmar_map(zx_vmar_root_self(), READ_WRITE, 0, vmo, 0, PAGE,
					 &at[i]) == ZX_OK);
	}
	for (size_t i = 0; i < mappings; i++)
		write_in_order((unsigned char *)at[i], 1, 1);
	begin();
	must(zx_vmo_read(vmo, page, 0, PAGE) == ZX_OK);
	must(zx_vmo_write(vmo, page, 0, PAGE) == ZX_OK);
	must(zx_vmo_op_range(vmo, ZX_VMO_OP_DECOMMIT, 0, PAGE, NULL, 0) == ZX_OK);
	end();
	must(!vmo_pages(vmo));
	count(1);
}

struct zircon_case {
	const char *name;
	void (*run)(unsigned long arg);
	unsigned long how;
	bool has_peer;
};

static const struct zircon_case sized[] = {
	{ "Vmo/Read", read_write, 0, true },
	{ "Vmo/Write", read_write, WRITE, true },
	{ "Vmo/Write/ZeroPage", read_write, WRITE | FRESH, true },
	{ "VmoMap/Read", map_copy, 0, true },
	{ "VmoMap/Read/Kernel", map_copy, KERNEL, true },
	{ "VmoMap/Write", map_copy, WRITE, true },
	{ "VmoMap/Write/Kernel", map_copy, WRITE | KERNEL, true },
	{ "VmoMapRange/Read", map_copy, RANGE, true },
	{ "VmoMapRange/Read/Kernel", map_copy, RANGE | KERNEL, true },
	{ "VmoMapRange/Write", map_copy, RANGE | WRITE, true },
	{ "VmoMapRange/Write/Kernel", map_copy, RANGE | WRITE | KERNEL, true },
	{ "Vmo/Memcpy/WithPrecommit", create_copy, COMMIT, true },
	{ "Vmo/Memcpy/WithoutPrecommit", create_copy, 0, true },
	{ "Vmo/Clone", clone_close, 0, false },
	{ "Vmo/Clone/MapParent", clone_close, MAP_PARENT, false },
	{ "Vmo/MapClone", clone_map, 0, false },
	{ "Vmo/Clone/ReadOrigSome", clone_use, SOME, false },
	{ "Vmo/Clone/ReadOrigAll", clone_use, 0, false },
	{ "Vmo/Clone/ReadCloneSome", clone_use, CLONE | SOME, false },
	{ "Vmo/Clone/ReadCloneAll", clone_use, CLONE, false },
	{ "Vmo/Clone/WriteOrigSome", clone_use, WRITE | SOME, false },
	{ "Vmo/Clone/WriteOrigAll", clone_use, WRITE, false },
	{ "Vmo/Clone/WriteCloneSome", clone_use, WRITE | CLONE | SOME, false },
	{ "Vmo/Clone/WriteCloneAll", clone_use, WRITE | CLONE, false },
	{ "Vmo/CreateWriteReadClose", create_write_read, 0, true },
	{ "Vmo/TransferData", transfer, 0, false },
};

static void run_sized(const struct zircon_case *zircon, size_t kbytes)
{
	unsigned long arg = kbytes * KIB | zircon->how;
	struct bench bench = {
		"zircon", case_name("%s/%zukbytes", zircon->name, kbytes), "iteration",
		{ zircon->run, arg },
	};

	if (zircon->has_peer) {
		bench.peer_name = "memfd";
		bench.peer = (struct side){ zircon->run, arg | MEMFD };
	}
	bench_run(&bench);
}

void bench_zircon(void)
{
	static const size_t kbytes[] = { 4, 32, 128, 512, 2048 };
	static const unsigned long segments[] = { 8192, 512, 16, 1 };
	struct bench many = {
		"zircon", "Vmo/ManyMappingsReadWriteDecommit/8192", "iteration",
		{ many_mappings, MANY },
	};

	for (size_t i = 0; i < sizeof(sized) / sizeof(*sized); i++)
		for (size_t k = 0; k < sizeof(kbytes) / sizeof(*kbytes); k++)
			run_sized(&sized[i], kbytes[k]);
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++) {
		struct bench bench = {
			"zircon", case_name("Vmo/Clone/MapParent%lusegments/32768kbytes",
					    segments[i]),
			"iteration", { clone_segments, segments[i] },
		};

		bench_run(&bench);
	}
	bench_run(&many);
}
