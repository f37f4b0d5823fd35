// SPDX-License-Identifier: GPL-2.0
/*
 * A tour of what a handle is worth: a file goes into a VMO, a handle that may
 * only read goes to a process without privileges, and that process tries to
 * make more of it.
 */
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "demo.h"

#define NOBODY	65534
#define DIGEST	32
#define CHUNK	(1UL << 20)

/* --- digests --------------------------------------------------------------- */

static void sha256(const unsigned char *data, size_t size, unsigned char *digest)
{
	if (!EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL))
		die("SHA-256");
}

static void hex(const unsigned char *digest, char *text)
{
	int i;

	for (i = 0; i < DIGEST; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}

/* --- calls of zxvmo ------------------------------------------------------- */

static unsigned long long size_of(int vmo)
{
	struct zxvmo_size size = { };

	return call(vmo, ZXVMO_IOC_GET_SIZE, &size) ? 0 : size.size;
}

static struct zxvmo_info_vmo info_of(int vmo)
{
	struct zxvmo_info_vmo info = { };
	struct zxvmo_get_info arg = {
		.topic = ZX_INFO_VMO, .buffer = (unsigned long)&info,
		.buffer_size = sizeof(info),
	};

	if (call(vmo, ZXVMO_IOC_GET_INFO, &arg))
		die("ZX_INFO_VMO");
	return info;
}

/* A call that has to be refused. */
static void refused(int status, int expected, const char *what)
{
	check(status == expected, "%s: %s", what, name_of(status));
}

/* --- the reader ------------------------------------------------------------ */

static sigjmp_buf jump;

static void on_fault(int sig)
{
	siglongjmp(jump, sig);
}

/* Read a byte: its value, or minus the signal. */
static int touch(const unsigned char *at)
{
	int sig = sigsetjmp(jump, 1);

	return sig ? -sig : *(const volatile unsigned char *)at;
}

static int store(unsigned char *at)
{
	int sig = sigsetjmp(jump, 1);

	if (!sig)
		*(volatile unsigned char *)at = 'x';
	return -sig;
}

static int receive_handle(int sock, size_t *size)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { size, sizeof(*size) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != sizeof(*size) || !CMSG_FIRSTHDR(&msg))
		die("receiving the handle");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void try_everything(int vmo, unsigned char *at, size_t length)
{
	struct zxvmo_transfer write_arg = { .buffer = (unsigned long)"x", .length = 1 };
	struct zxvmo_duplicate dup_arg = { .rights = ZX_RIGHT_SAME_RIGHTS };
	struct zxvmo_duplicate more_arg = { .rights = ZX_RIGHT_READ | ZX_RIGHT_WRITE };
	struct zxvmo_size size_arg = { .size = 0 };
	struct zxvmo_map map_arg = {
		.options = ZX_VM_PERM_READ | ZX_VM_PERM_WRITE, .length = PAGE,
	};
	char path[64];
	void *again;
	int mem;

	say("trying to write, to duplicate and to resize");
	refused(call(vmo, ZXVMO_IOC_WRITE, &write_arg), ZX_ERR_ACCESS_DENIED, "zx_vmo_write");
	check(pwrite(vmo, "x", 1, 0) < 0, "pwrite: %m");
	refused(call(vmo, ZXVMO_IOC_DUPLICATE, &dup_arg), ZX_ERR_ACCESS_DENIED,
		"zx_handle_duplicate with the same rights");
	refused(call(vmo, ZXVMO_IOC_DUPLICATE, &more_arg), ZX_ERR_ACCESS_DENIED,
		"zx_handle_duplicate with WRITE");
	refused(call(vmo, ZXVMO_IOC_SET_SIZE, &size_arg), ZX_ERR_ACCESS_DENIED,
		"zx_vmo_set_size");
	refused(call(vmo, ZXVMO_IOC_SET_STREAM_SIZE, &size_arg), ZX_ERR_ACCESS_DENIED,
		"zx_vmo_set_stream_size");
	check(ftruncate(vmo, 0) < 0, "ftruncate: %m");

	say("trying to map it writable");
	refused(call(vmo, ZXVMO_IOC_MAP, &map_arg), ZX_ERR_ACCESS_DENIED, "zx_vmar_map writable");
	check(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, vmo, 0) == MAP_FAILED,
	      "mmap writable: %m");
	check(mprotect(at, PAGE, PROT_READ | PROT_WRITE) < 0, "mprotect writable: %m");
	again = mremap(at, 0, PAGE, MREMAP_MAYMOVE);
	check(again == MAP_FAILED || mprotect(again, PAGE, PROT_READ | PROT_WRITE) < 0,
	      "mremap to a second mapping, made writable: %m");
	check(mremap(at, length, 2 * length, MREMAP_MAYMOVE) == MAP_FAILED, "mremap larger: %m");
	check(store(at) == -SIGSEGV, "storing a byte: SIGSEGV");

	say("trying other ways to the same memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", vmo);
	check(open(path, O_RDWR) < 0, "open %s: %m", path);
	/* A process that changed its user is not dumpable; be it again. */
	prctl(PR_SET_DUMPABLE, 1);
	mem = open("/proc/self/mem", O_RDWR);
	check(mem < 0 || pwrite(mem, "x", 1, (long)at) < 0, "writing /proc/self/mem: %m");
	check(dup(vmo) >= 0, "dup gives the same handle again, and nothing more");
}

static int reader(int sock)
{
	size_t size, length, cut;
	unsigned char digest[DIGEST];
	char text[2 * DIGEST + 1];
	unsigned char *at;
	char byte;
	int vmo;

	who = "reader";
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		die("becoming nobody");
	vmo = receive_handle(sock, &size);
	say("user %d, received a handle with the rights %#x to a VMO of %llu bytes",
	    getuid(), info_of(vmo).handle_rights, size_of(vmo));
	check(open(ZXVMO_DEVICE_PATH, O_RDWR) < 0, "opening " ZXVMO_DEVICE_PATH ": %m");
	length = size_of(vmo);
	at = mmap(NULL, length, PROT_READ, MAP_SHARED, vmo, 0);
	if (at == MAP_FAILED)
		die("mapping the VMO");
	say("mapped it at %p, and now hashes the mapping", at);
	sha256(at, size, digest);
	hex(digest, text);
	say("SHA-256 %s", text);
	try_everything(vmo, at, length);
	sha256(at, size, digest);
	if (write(sock, digest, DIGEST) != DIGEST)
		die("answering");

	/* The loader shrinks the VMO, to a size in the middle of a page. */
	if (read(sock, &cut, sizeof(cut)) != sizeof(cut))
		die("waiting for the loader");
	say("the VMO now has %llu bytes", size_of(vmo));
	check(touch(at) >= 0, "its first byte is there");
	check(touch(at + cut - 1) >= 0, "the last byte before the new end is there");
	sha256(at, cut, digest);
	if (write(sock, digest, DIGEST) != DIGEST)
		die("answering");
	check(touch(at + cut) == 0, "the rest of the last page is zero");
	check(touch(at + ((cut + PAGE - 1) & -PAGE)) == -SIGBUS,
	      "the first page beyond the end: SIGBUS");
	check(touch(at + length - 1) == -SIGBUS, "the last byte of the old size: SIGBUS");
	if (write(sock, &byte, 1) != 1 || read(sock, &byte, 1) != 1)
		die("waiting for the loader");
	say("the VMO again has %llu bytes", size_of(vmo));
	check(touch(at + ((cut + PAGE - 1) & -PAGE)) == 0 && touch(at + length - 1) == 0,
	      "what came back is zero");
	return failed;
}

/* --- the loader ------------------------------------------------------------ */

static void send_handle(int sock, int fd, size_t size)
{
	char control[CMSG_SPACE(sizeof(int))] = { };
	struct iovec iov = { &size, sizeof(size) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	if (sendmsg(sock, &msg, 0) != sizeof(size))
		die("sending the handle");
}

static int load_file(const char *path, size_t *size)
{
	struct zxvmo_create create = { .options = ZX_VMO_RESIZABLE };
	struct zxvmo_property name = {
		.property = ZX_PROP_NAME, .value = (unsigned long)path,
		.value_size = strlen(path),
	};
	int device = open(ZXVMO_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char *buffer = malloc(CHUNK);
	struct zxvmo_transfer transfer = { .buffer = (unsigned long)buffer };
	struct stat st;
	ssize_t got;

	if (device < 0)
		die(ZXVMO_DEVICE_PATH);
	if (file < 0 || fstat(file, &st))
		die(path);
	create.size = st.st_size;
	if (call(device, ZXVMO_IOC_CREATE, &create))
		die("zx_vmo_create");
	if (strrchr(path, '/')) {
		name.value = (unsigned long)(strrchr(path, '/') + 1);
		name.value_size = strlen(strrchr(path, '/') + 1);
	}
	call(create.handle, ZXVMO_IOC_SET_PROPERTY, &name);
	while ((got = read(file, buffer, CHUNK)) > 0) {
		transfer.length = got;
		if (call(create.handle, ZXVMO_IOC_WRITE, &transfer))
			die("zx_vmo_write");
		transfer.offset += got;
	}
	if (got || transfer.offset != create.size)
		die("reading the file");
	free(buffer);
	close(file);
	close(device);
	*size = st.st_size;
	return create.handle;
}

/* The digest that the ordinary tool finds for the first bytes of the file. */
static void digest_of_file(const char *path, size_t size, char *text)
{
	char command[64];
	int pipes[2], file;
	FILE *out;
	pid_t pid;

	snprintf(command, sizeof(command), "head -c %zu | sha256sum", size);
	if (pipe(pipes))
		die("pipe");
	pid = fork();
	if (!pid) {
		file = open(path, O_RDONLY);
		if (dup2(file, 0) || dup2(pipes[1], 1) != 1)
			_exit(1);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(1);
	}
	close(pipes[1]);
	out = fdopen(pipes[0], "r");
	if (!out || fscanf(out, "%64s", text) != 1)
		*text = '\0';
	fclose(out);
	waitpid(pid, NULL, 0);
}

static void compare(int sock, const char *path, size_t size)
{
	unsigned char digest[DIGEST];
	char seen[2 * DIGEST + 1], expected[2 * DIGEST + 1];

	digest_of_file(path, size, expected);
	if (read(sock, digest, DIGEST) != DIGEST) {
		check(false, "the reader did not answer");
		return;
	}
	hex(digest, seen);
	say("reader's mapping  %s", seen);
	say("sha256sum         %s", expected);
	check(!strcmp(seen, expected), "the digests of %zu bytes agree", size);
}

static void resize(int vmo, size_t size)
{
	struct zxvmo_size arg = { .size = size };
	int status = call(vmo, ZXVMO_IOC_SET_SIZE, &arg);

	check(!status, "zx_vmo_set_size to %zu: %s; %llu bytes committed", size,
	      name_of(status), info_of(vmo).committed_bytes);
}

void show_handles(const char *path)
{
	struct zxvmo_duplicate dup_arg = {
		.rights = ZX_RIGHT_READ | ZX_RIGHT_MAP | ZX_RIGHT_TRANSFER,
	};
	int sockets[2], vmo, status;
	size_t size, cut;
	char byte = 0;
	pid_t pid;

	who = "loader";
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		die("socketpair");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(sockets[0]);
		exit(reader(sockets[1]));
	}
	close(sockets[1]);
	vmo = load_file(path, &size);
	say("%s is in the VMO of koid %llu: %zu bytes, %llu committed", path,
	    info_of(vmo).koid, size, info_of(vmo).committed_bytes);
	if (call(vmo, ZXVMO_IOC_DUPLICATE, &dup_arg))
		die("zx_handle_duplicate");
	say("sends a handle with READ, MAP and TRANSFER only, and keeps none of it");
	send_handle(sockets[0], dup_arg.handle, size);
	close(dup_arg.handle);
	compare(sockets[0], path, size);

	/* Into the middle of a page, so that the zeroed tail shows. */
	cut = size / 2 / PAGE * PAGE + 123;
	say("shrinks the VMO under the reader's mapping");
	resize(vmo, cut);
	if (write(sockets[0], &cut, sizeof(cut)) != sizeof(cut))
		die("telling the reader");
	compare(sockets[0], path, cut);
	if (read(sockets[0], &byte, 1) != 1)
		check(false, "the reader did not get that far");
	say("lets the VMO grow again");
	resize(vmo, size);
	if (write(sockets[0], &byte, 1) != 1)
		die("telling the reader");
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status))
		check(false, "the reader found something wrong");
	close(sockets[0]);
	close(vmo);
}
