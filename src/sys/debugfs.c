// SPDX-License-Identifier: GPL-2.0
/*
 * What people may look at, and the walk to it: see debugfs.rs and fs.rs.
 */
#include <linux/debugfs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "helpers.h"

/* Whatever comes of it, a directory or an error, is good for the other two. */
struct dentry *zx_debugfs_directory(const char *name)
{
	return debugfs_create_dir(name, NULL);
}

/* Readable only, so that a kernel locked down for integrity has it as well. */
void zx_debugfs_file(struct dentry *directory, const char *name,
		     const struct file_operations *operations)
{
	debugfs_create_file(name, 0400, directory, NULL, operations);
}

void zx_debugfs_remove(struct dentry *directory)
{
	debugfs_remove(directory);
}

/*
 * The inode that was made before @after, or the newest one: with a reference,
 * which the caller has to @after as well. Nobody is held up for longer than it
 * takes to step over those that are just being freed.
 */
struct inode *zx_inode_before(struct super_block *sb, struct inode *after)
{
	struct inode *inode, *found = NULL;

	cond_resched();
	spin_lock(&sb->s_inode_list_lock);
	inode = after ? list_next_entry(after, i_sb_list) :
			list_first_entry(&sb->s_inodes, struct inode, i_sb_list);
	list_for_each_entry_from(inode, &sb->s_inodes, i_sb_list) {
		found = igrab(inode);
		if (found)
			break;
	}
	spin_unlock(&sb->s_inode_list_lock);
	return found;
}

/* NULL for an inode that is still being made; see zx_inode_init(). */
void *zx_inode_owner(const struct inode *inode)
{
	/* Pairs with zx_inode_init(), so that what is found is complete. */
	return smp_load_acquire(&inode->i_private);
}
