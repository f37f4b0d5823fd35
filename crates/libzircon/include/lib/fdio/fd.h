/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef LIB_FDIO_FD_H_
#define LIB_FDIO_FD_H_

#include <zircon/compiler.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/*
 * From handles to descriptors and back: to send a handle over a socket
 * (SCM_RIGHTS), to keep it over exec, or to give it to mmap. The handle may be to a
 * VMO, a stream, an event, an end of a pair of events, or a port. These calls
 * are in libzircon; there is no libfdio to link with.
 */

/*
 * Exchange a handle for a descriptor of it, which exec closes. The handle is
 * consumed, also on failure.
 */
zx_status_t fdio_fd_create(zx_handle_t handle, int* fd_out);

/* Make another handle to the object of a descriptor; needs ZX_RIGHT_DUPLICATE. */
zx_status_t fdio_fd_clone(int fd, zx_handle_t* out_handle);

/*
 * Exchange a descriptor for the handle that it is one of, with its rights. The
 * descriptor is closed unless the call fails. Other descriptors of the same
 * handle stay, and with them the handle.
 */
zx_status_t fdio_fd_transfer(int fd, zx_handle_t* out_handle);
zx_status_t fdio_fd_transfer_or_clone(int fd, zx_handle_t* out_handle);

__END_CDECLS

#endif /* LIB_FDIO_FD_H_ */
