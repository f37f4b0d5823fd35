// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/zxvmo: what is listed, to whom, and that looking disturbs
 * nobody who makes and closes VMOs meanwhile. Also what fdinfo says.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "zxvmo_test.h"

#define DIRECTORY	"/sys/kernel/debug/zxvmo"
#define VMOS		DIRECTORY "/vmos"
#define TREE		DIRECTORY "/tree"
#define COLUMNS		17
#define HEAD		"koid\tparent\tkind\toptions\tsize\tcontent\tcommitted\tprivate\tshared\t" \
			"scaled\tchildren\tmappings\tspaces\thandles\towner\tcache\tname"

/* A line of the table, taken apart. */
struct row {
	char line[512];
	char *column[COLUMNS];
};

enum { KOID, PARENT, KIND, OPTIONS, BYTES, CONTENT, COMMITTED, PRIVATE, SHARED, SCALED, CHILDREN,
	MAPPINGS, SPACES, HANDLES, OWNER, CACHE, NAME };

static bool split(struct row *row)
{
	char *rest = row->line;
	int count = 0;

	rest[strcspn(rest, "\n")] = '\0';
	while (count < COLUMNS) {
		row->column[count] = strsep(&rest, "\t");
		if (!row->column[count])
			return false;
		count++;
	}
	return !rest;
}

static __u64 number(const struct row *row, int column)
{
	return strtoull(row->column[column], NULL, 10);
}

/* The line of a VMO in a table that is open, from where it is. */
static bool next_row(FILE *file, __u64 koid, struct row *row)
{
	while (fgets(row->line, sizeof(row->line), file))
		if (split(row) && number(row, KOID) == koid)
			return true;
	return false;
}

static bool find_row(int fd, struct row *row)
{
	FILE *file = fopen(VMOS, "re");
	bool found = file && next_row(file, vmo_info(fd).koid, row);

	if (file)
		fclose(file);
	return found;
}

FIXTURE(debugfs) {
};

FIXTURE_SETUP(debugfs)
{
	if (access(DIRECTORY, F_OK))
		SKIP(return, "no " DIRECTORY ": debugfs is not mounted, or not in this kernel");
}

FIXTURE_TEARDOWN(debugfs)
{
}

TEST_F(debugfs, head)
{
	char line[512] = "";
	FILE *file = fopen(VMOS, "re");

	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, fgets(line, sizeof(line), file));
	EXPECT_STREQ(HEAD "\n", line);
	fclose(file);
}

TEST_F(debugfs, one_vmo)
{
	int fd = vmo_create(4 * PAGE, ZX_VMO_RESIZABLE);
	int other = vmo_duplicate(fd, ZX_RIGHT_SAME_RIGHTS);
	void *at = map_shared(fd, PAGE, PROT_READ);
	struct row row;

	ASSERT_EQ(ZX_OK, vmo_set_name(fd, "a\tb\n\\c\033\377 d"));
	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 3));
	ASSERT_EQ(ZX_OK, vmo_set_stream_size(fd, 4 * PAGE - 1000));
	ASSERT_TRUE(find_row(fd, &row));
	EXPECT_EQ(0, number(&row, PARENT));
	EXPECT_STREQ("original", row.column[KIND]);
	EXPECT_STREQ("resizable", row.column[OPTIONS]);
	EXPECT_EQ(4 * PAGE, number(&row, BYTES));
	EXPECT_EQ(4 * PAGE - 1000, number(&row, CONTENT));
	EXPECT_EQ(3 * PAGE, number(&row, COMMITTED));
	EXPECT_EQ(3 * PAGE, number(&row, PRIVATE));
	EXPECT_EQ(0, number(&row, SHARED));
	EXPECT_EQ(3 * PAGE, number(&row, SCALED));
	EXPECT_EQ(0, number(&row, CHILDREN));
	EXPECT_EQ(1, number(&row, MAPPINGS));
	EXPECT_EQ(1, number(&row, SPACES));
	EXPECT_EQ(2, number(&row, HANDLES));
	EXPECT_EQ(getuid(), number(&row, OWNER));
	EXPECT_EQ(ZX_CACHE_POLICY_CACHED, number(&row, CACHE));
	EXPECT_STREQ("a\\011b\\012\\134c\\033\\377 d", row.column[NAME]);
	munmap(at, PAGE);
	close(other);
	ASSERT_TRUE(find_row(fd, &row));
	EXPECT_EQ(0, number(&row, MAPPINGS));
	EXPECT_EQ(1, number(&row, HANDLES));
}

TEST_F(debugfs, relatives)
{
	int fd = vmo_create(4 * PAGE, 0);
	struct row row;
	int snapshot, slice, reference;
	__u64 koid = vmo_info(fd).koid;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 4));
	snapshot = vmo_snapshot(fd, 0, 4 * PAGE);
	slice = vmo_create_child(fd, ZX_VMO_CHILD_SLICE, PAGE, 2 * PAGE);
	reference = vmo_create_child(fd, ZX_VMO_CHILD_REFERENCE, 0, 0);
	ASSERT_EQ(ZX_OK, vmo_fill(snapshot, 2, 1));

	ASSERT_TRUE(find_row(fd, &row));
	EXPECT_EQ(3, number(&row, CHILDREN));
	EXPECT_EQ(PAGE, number(&row, PRIVATE));
	EXPECT_EQ(3 * PAGE, number(&row, SHARED));
	EXPECT_EQ(PAGE + 3 * PAGE / 2, number(&row, SCALED));
	ASSERT_TRUE(find_row(snapshot, &row));
	EXPECT_EQ(koid, number(&row, PARENT));
	EXPECT_STREQ("snapshot", row.column[KIND]);
	EXPECT_STREQ("-", row.column[OPTIONS]);
	EXPECT_EQ(3 * PAGE, number(&row, SHARED));
	ASSERT_TRUE(find_row(slice, &row));
	EXPECT_EQ(koid, number(&row, PARENT));
	EXPECT_STREQ("slice", row.column[KIND]);
	EXPECT_EQ(2 * PAGE, number(&row, BYTES));
	EXPECT_EQ(0, number(&row, COMMITTED));
	ASSERT_TRUE(find_row(reference, &row));
	EXPECT_EQ(koid, number(&row, PARENT));
	EXPECT_STREQ("reference", row.column[KIND]);
	/* The children of who goes are its parent's, or nobody's. */
	close(fd);
	close(slice);
	close(reference);
	ASSERT_TRUE(find_row(snapshot, &row));
	EXPECT_EQ(0, number(&row, PARENT));
}

/* How far to the right the line of a VMO is, and its number; -1 for none. */
static int tree_place(int fd, int *line_number)
{
	FILE *file = fopen(TREE, "re");
	char line[512], *text;
	int indent = -1;

	*line_number = 0;
	while (file && indent < 0 && fgets(line, sizeof(line), file)) {
		++*line_number;
		text = line + strspn(line, " ");
		if (*text == '(')
			text += strcspn(text, " ") + 1;
		if (strtoull(text, NULL, 10) == vmo_info(fd).koid)
			indent = strspn(line, " ");
	}
	if (file)
		fclose(file);
	return indent;
}

TEST_F(debugfs, tree)
{
	int first = vmo_create(PAGE, 0), second = vmo_create(PAGE, 0);
	int child = vmo_snapshot(first, 0, PAGE);
	int grandchild = vmo_snapshot(child, 0, PAGE);
	int sibling = vmo_snapshot(first, 0, PAGE);
	int at[5];

	EXPECT_EQ(0, tree_place(first, &at[0]));
	EXPECT_EQ(2, tree_place(child, &at[1]));
	EXPECT_EQ(4, tree_place(grandchild, &at[2]));
	EXPECT_EQ(2, tree_place(sibling, &at[3]));
	EXPECT_EQ(0, tree_place(second, &at[4]));
	EXPECT_EQ(at[0] + 1, at[1]);
	EXPECT_EQ(at[1] + 1, at[2]);
	EXPECT_EQ(at[2] + 1, at[3]);
	EXPECT_EQ(at[3] + 1, at[4]);
	close(child);
	EXPECT_EQ(2, tree_place(grandchild, &at[2]));
}

TEST_F(debugfs, deep_tree)
{
	int fd = vmo_create(PAGE, 0), next, at, i;

	for (i = 0; i < 100; i++) {
		next = vmo_snapshot(fd, 0, PAGE);
		ASSERT_LE(0, next);
		fd = next;
	}
	EXPECT_EQ(64, tree_place(fd, &at));
}

static int open_as_nobody(void *path)
{
	HOLDS(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	      !setresuid(NOBODY, NOBODY, NOBODY));
	HOLDS(open(path, O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

TEST_F(debugfs, only_root_looks)
{
	struct stat status;

	EXPECT_EQ(0, in_child(open_as_nobody, VMOS));
	EXPECT_EQ(0, in_child(open_as_nobody, TREE));
	ASSERT_EQ(0, stat(VMOS, &status));
	EXPECT_EQ(0400, status.st_mode & 07777);
	EXPECT_EQ(0, status.st_uid);
	ASSERT_EQ(0, stat(TREE, &status));
	EXPECT_EQ(0400, status.st_mode & 07777);
}

/* The owner is who made the VMO, and nobody else's handles change that. */
static int make_as_nobody(void *arg)
{
	int fd, device = open_device();
	struct zxvmo_create create = { .size = PAGE };

	HOLDS(device >= 0);
	HOLDS(!setresuid(NOBODY, NOBODY, NOBODY));
	HOLDS(zxvmo_call(device, ZXVMO_IOC_CREATE, &create) == ZX_OK);
	fd = create.handle;
	HOLDS(!send_fd(*(int *)arg, fd));
	return 0;
}

TEST_F(debugfs, owner)
{
	struct row row;
	int sockets[2], fd;
	char value[64];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, in_child(make_as_nobody, &sockets[0]));
	fd = recv_fd(sockets[1]);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(find_row(fd, &row));
	EXPECT_EQ(NOBODY, number(&row, OWNER));
	EXPECT_TRUE(fdinfo_value(fd, "zxvmo-owner:", value, sizeof(value)));
	EXPECT_STREQ("65534", value);
}

/*
 * What is listed is what there was when the file was opened, less what went.
 * The file holds objects, not their memory; what it holds last goes with it.
 */
TEST_F(debugfs, gone_while_open)
{
	int fd = vmo_create(4 * PAGE, 0);
	int child = vmo_snapshot(fd, 0, PAGE);
	int slice = vmo_create_child(fd, ZX_VMO_CHILD_SLICE, 0, PAGE);
	__u64 koid = vmo_info(fd).koid, child_koid = vmo_info(child).koid;
	FILE *file = fopen(VMOS, "re"), *tree = fopen(TREE, "re");
	struct row row;
	int later;

	ASSERT_NE(NULL, file);
	ASSERT_NE(NULL, tree);
	later = vmo_create(PAGE, 0);
	close(fd);
	close(slice);
	ASSERT_TRUE(next_row(file, child_koid, &row));
	EXPECT_EQ(0, number(&row, PARENT));
	rewind(file);
	EXPECT_FALSE(next_row(file, koid, &row));
	rewind(file);
	EXPECT_FALSE(next_row(file, vmo_info(later).koid, &row));
	close(child);
	rewind(file);
	EXPECT_FALSE(next_row(file, child_koid, &row));
	while (fgets(row.line, sizeof(row.line), tree))
		EXPECT_NE(koid, strtoull(row.line, NULL, 10));
	fclose(file);
	fclose(tree);
}

/* More than a page of text, read in pieces of any size and from any place. */
TEST_F(debugfs, long_list)
{
	enum { COUNT = 1000, ROOM = 1 << 20 };
	struct rlimit limit = { .rlim_cur = COUNT + 100, .rlim_max = COUNT + 100 };
	char *whole = malloc(ROOM), *pieces = malloc(ROOM);
	size_t length = 0, at = 0, lines = 0;
	__u64 koid, last = 0;
	ssize_t got;
	char *line;
	int fd, i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	for (i = 0; i < COUNT; i++)
		ASSERT_LE(0, vmo_create(PAGE, 0));
	fd = open(VMOS, O_RDONLY);
	ASSERT_LE(0, fd);
	while ((got = read(fd, whole + length, ROOM - 1 - length)) > 0)
		length += got;
	ASSERT_EQ(0, got);
	whole[length] = '\0';
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	while ((got = read(fd, pieces + at, 1 + at % 777)) > 0)
		at += got;
	ASSERT_EQ(0, got);
	EXPECT_EQ(length, at);
	EXPECT_EQ(0, memcmp(whole, pieces, length));
	EXPECT_EQ(300, pread(fd, pieces, 300, length / 2));
	EXPECT_EQ(0, memcmp(whole + length / 2, pieces, 300));
	/* In the order of their ids. */
	for (line = strchr(whole, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		koid = strtoull(line, NULL, 10);
		EXPECT_LT(last, koid);
		last = koid;
		lines++;
	}
	EXPECT_LE(COUNT, lines);
	close(fd);
	free(whole);
	free(pieces);
}

static volatile bool stop;

static void *come_and_go(void *arg __always_unused)
{
	unsigned int kind = 0;

	while (!stop) {
		int fd = vmo_create(4 * PAGE, 0);
		int child = vmo_snapshot(fd, 0, 4 * PAGE);
		int other = kind++ & 1 ? vmo_snapshot(child, 0, PAGE) :
			    vmo_create_child(fd, ZX_VMO_CHILD_SLICE, 0, PAGE);

		vmo_fill(child, 3, 2);
		close(kind & 2 ? fd : child);
		close(kind & 2 ? child : fd);
		close(other);
	}
	return NULL;
}

/* Readers beside it: whatever comes and goes, what stays is there each time. */
TEST_F(debugfs, race)
{
	enum { THREADS = 3 };
	int fd = vmo_create(PAGE, 0), child = vmo_snapshot(fd, 0, PAGE), at, i;
	int rounds = fewer(60);
	pthread_t threads[THREADS];
	struct row row;

	stop = false;
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, come_and_go, NULL));
	for (i = 0; i < rounds; i++) {
		/* Some are closed without having been read. */
		int file = open(i & 1 ? VMOS : TREE, O_RDONLY);

		EXPECT_LE(0, file);
		EXPECT_TRUE(find_row(child, &row));
		EXPECT_EQ(vmo_info(fd).koid, number(&row, PARENT));
		EXPECT_EQ(2, tree_place(child, &at));
		close(file);
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

TEST_F(debugfs, cannot_be_written)
{
	int file = open(VMOS, O_RDWR);

	if (file >= 0) {
		/* Root may open anything for writing. */
		EXPECT_EQ(-1, write(file, "x", 1));
		close(file);
	}
	file = open(VMOS, O_RDONLY);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0));
	close(file);
}

TEST(fdinfo_of_vmo)
{
	static const struct {
		const char *key, *value;
	} lines[] = {
		{ "zxvmo-type:", "3" }, { "zxvmo-handles:", "1" }, { "zxvmo-kind:", "snapshot" },
		{ "zxvmo-options:", "resizable" }, { "zxvmo-size:", "8192" },
		{ "zxvmo-content:", "8000" }, { "zxvmo-children:", "0" }, { "zxvmo-mappings:", "1" },
		{ "zxvmo-spaces:", "1" }, { "zxvmo-committed:", "8192" },
		{ "zxvmo-private:", "4096" }, { "zxvmo-scaled:", "6144" }, { "zxvmo-cache:", "0" },
		{ "zxvmo-name:", "x\\012zxvmo-evil:\\0111" },
	};
	int fd = vmo_create(2 * PAGE, 0);
	char value[256];
	int child;
	void *at;
	size_t i;

	ASSERT_EQ(ZX_OK, vmo_fill(fd, 1, 2));
	child = vmo_create_child(fd, ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_RESIZABLE, 0, 8000);
	at = map_shared(child, PAGE, PROT_READ);
	ASSERT_EQ(ZX_OK, vmo_fill(child, 2, 1));
	ASSERT_EQ(ZX_OK, vmo_set_name(child, "x\nzxvmo-evil:\t1"));
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		ASSERT_TRUE(fdinfo_value(child, lines[i].key, value, sizeof(value)));
		EXPECT_STREQ(lines[i].value, value)
			TH_LOG("%s", lines[i].key);
	}
	munmap(at, PAGE);
}

TEST(fdinfo_of_others)
{
	char value[64], expected[64];
	int ends[2];

	ASSERT_EQ(ZX_OK, eventpair_create(ends));
	ASSERT_TRUE(fdinfo_value(ends[0], "zxvmo-peer:", value, sizeof(value)));
	ASSERT_TRUE(fdinfo_value(ends[1], "zxvmo-koid:", expected, sizeof(expected)));
	EXPECT_STREQ(expected, value);
	EXPECT_FALSE(fdinfo_value(ends[0], "zxvmo-size:", value, sizeof(value)));
}

TEST_HARNESS_MAIN
