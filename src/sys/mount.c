// SPDX-License-Identifier: GPL-2.0
/*
 * The mount of the pseudo file system, there as long as somebody has a pin.
 *
 * simple_pin_fs() would do, but for its cost: the mount that it makes is not a
 * long-term one, so each mntput() of each file takes the lock of all mounts of
 * the system and adds up a counter of every processor (880 of the 9400
 * instructions of zx_vmo_create() and close, with one). In exchange, giving up
 * the last pin waits for a grace period.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/refcount.h>

#include "helpers.h"

static DEFINE_MUTEX(pin_lock);
static refcount_t pins = REFCOUNT_INIT(0);
static struct vfsmount *mount;

/* The mount holds the file system, and that the module. */
int zx_mount_pin(struct file_system_type *type)
{
	struct vfsmount *made;
	int err = 0;

	if (refcount_inc_not_zero_acquire(&pins))
		return 0;
	mutex_lock(&pin_lock);
	if (refcount_inc_not_zero_acquire(&pins))
		goto out;
	made = kern_mount(type);
	err = PTR_ERR_OR_ZERO(made);
	if (err)
		goto out;
	mount = made;
	refcount_set_release(&pins, 1);
out:
	mutex_unlock(&pin_lock);
	return err;
}

/* The caller has a pin. */
struct vfsmount *zx_mount_get(void)
{
	return mount;
}

void zx_mount_unpin(void)
{
	struct vfsmount *last;

	if (!refcount_dec_and_mutex_lock(&pins, &pin_lock))
		return;
	last = mount;
	mutex_unlock(&pin_lock);
	kern_unmount(last);
}
