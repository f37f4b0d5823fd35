// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot keeps what was written before it. Without the module the first
 * call says so, and the program ends with status 77.
 */
#include <stdio.h>
#include <string.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

int main(void)
{
	zx_handle_t vmo, snapshot, reader;
	char text[6] = "";
	zx_vaddr_t at;
	zx_status_t status = zx_vmo_create(4096, 0, &vmo);

	printf("zx_vmo_create: %s\n", zx_status_get_string(status));
	if (status == ZX_ERR_NOT_SUPPORTED || status == ZX_ERR_ACCESS_DENIED)
		return 77;
	if (status != ZX_OK || zx_vmo_write(vmo, "hello", 0, 6) != ZX_OK ||
	    zx_vmo_create_child(vmo, ZX_VMO_CHILD_SNAPSHOT, 0, 4096, &snapshot) != ZX_OK ||
	    zx_vmo_write(vmo, "later", 0, 6) != ZX_OK ||
	    zx_vmo_read(snapshot, text, 0, 6) != ZX_OK || strcmp(text, "hello"))
		return 1;
	if (zx_vmar_map(zx_vmar_root_self(), ZX_VM_PERM_READ, 0, vmo, 0, 4096, &at) != ZX_OK ||
	    strcmp((char *)at, "later"))
		return 1;
	if (zx_handle_duplicate(snapshot, ZX_RIGHT_READ, &reader) != ZX_OK ||
	    zx_vmo_write(reader, "x", 0, 1) != ZX_ERR_ACCESS_DENIED)
		return 1;
	puts("the snapshot is of its moment");
	return 0;
}
