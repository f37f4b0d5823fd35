// SPDX-License-Identifier: GPL-2.0

//! A store: the memory of one VMO (spec 23.2), and of every slice of and reference to it.
//!
//! # State and locks
//!
//! `content`, a reader-writer semaphore, protects which pages there are and what mappings show:
//! - held for reading: look up, copy from and to owned pages, fill holes, enter owned or shared
//!   pages into page tables;
//! - held for writing: everything that takes a page away from its place or from a mapping.
//!
//! The sizes are atomics that change with `content` held for writing, and may be read without.
//! Writers through streams raise the stream size with it held for reading; see
//! [`extent`](crate::extent).
//!
//! Lock order, outermost first: the turn on a stream, then the turn to write an extent, both kept
//! while user memory is touched; `mmap_lock` or the lock of one mapping; a family (see
//! [`family`](crate::family)); `Store::content`, of several stores by trying, or of two in the
//! order of their ids; the kernel's `i_mmap_rwsem` and page-table locks (taken inside
//! `Inode::unmap` and `Fault::insert`). The shrinker, which runs inside of any allocation, only
//! tries `Store::content`. With `content` held nothing may touch user memory in a way that can fault,
//! and no file or inode may be released.
//!
//! # What mappings show
//!
//! A page-table entry shows an owned page (writable at once), a shared page (read-only) or,
//! read-only, the page of zeros. Whoever replaces what is shown at an index, or takes it away,
//! removes the entries of that index first, in all address spaces, holding `content` for writing.
//! The page of zeros is the one case where filling a hole replaces something: once it may be
//! mapped (`zeros_shown`), holes are filled with `content` held for writing, too.
//!
//! Pages may be there that nobody has touched, but not while `content` is held for writing; see
//! [`ahead`](crate::ahead).
//!
//! An owned page is marked as touched before it is entered into a page table, and stays so until
//! its translations are removed for a snapshot and nobody else holds it. So what is owned and not
//! marked is in no page table of this store's as writable, and nobody has a pin of it from there:
//! a snapshot passes it by, and if it has users all the same, they came by while it was shared.
#![deny(unsafe_code)]

use crate::{
    cache_policy::CachePolicy,
    content::Content,
    discard::Discardable,
    extent::{Extent, StreamSize},
    page_map::PageMap,
    status::{Status, ZxResult},
    sys::{
        fs::Inode,
        limit::Charge,
        page::Owner,
        rwsem::{FurtherReadGuard, ReadGuard, RwSem, WriteGuard},
        PAGE_SHIFT,
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{Acquire, Atomic, Full, Relaxed, Release},
        static_lock_class, Arc,
    },
};

static NEXT_ID: Atomic<u64> = Atomic::new(1);

/// See the head of this file.
#[pin_data]
pub(crate) struct Store {
    #[pin]
    content: RwSem<Content>,
    id: u64,
    size: Atomic<u64>,
    #[pin]
    stream_size: StreamSize,
    /// Pages from the start of the root of the snapshot family to the start of this store: the
    /// accumulated offset of spec 8.5. Page maps of one family count from the root's start, so
    /// that they can share nodes.
    origin: u64,
    /// See [`cache_policy`](crate::cache_policy). Changes with `content` held for writing.
    cache_policy: Atomic<u32>,
    /// VMOs that use this store: the one it was made for, slices of it and references to it.
    users: Atomic<u64>,
}

impl Store {
    /// An empty store of `size` bytes, a multiple of the page size; `discardable` as the VMO.
    pub(crate) fn new(size: u64, stream_size: u64, discardable: bool) -> Result<Arc<Self>> {
        let id = NEXT_ID.fetch_add(1, Relaxed);
        let owner = Owner::new(id, Charge::take()?);
        let mut content = Content::new(PageMap::new(owner), 0);
        if discardable {
            content.discardable = Some(Discardable::new()?);
        }
        Self::with_content(id, size, stream_size, content)
    }

    fn with_content(id: u64, size: u64, stream_size: u64, content: Content) -> Result<Arc<Self>> {
        let origin = content.origin;
        Arc::pin_init(
            pin_init!(Self {
                content <- RwSem::new(content, c"zxvmo_store", static_lock_class!()),
                id,
                size: Atomic::new(size),
                stream_size <- StreamSize::new(stream_size),
                origin,
                cache_policy: Atomic::new(CachePolicy::CACHED.raw()),
                users: Atomic::new(1),
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// A number that no other store has.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Shared access.
    pub(crate) fn read_lock(&self) -> ReadGuard<'_, Content> {
        self.content.read()
    }

    /// Shared access while having that to another store, if it is to be had at once.
    pub(crate) fn try_read_lock_further(&self) -> Option<FurtherReadGuard<'_, Content>> {
        self.content.try_read_further()
    }

    /// Shared access to a store that has no page that nobody has touched.
    pub(crate) fn read_lock_settled(&self) -> ReadGuard<'_, Content> {
        let content = self.read_lock();
        if !content.ahead.is_open() {
            return content;
        }
        drop(content);
        self.write_lock().downgrade()
    }

    /// Exclusive access, if it is to be had at once; does not sleep. For a discardable VMO's, which
    /// has nothing to be settled.
    pub(crate) fn try_write_lock(&self) -> Option<WriteGuard<'_, Content>> {
        self.content.try_write()
    }

    /// Exclusive access while holding that to a store with a lower id.
    pub(crate) fn write_lock_second(&self) -> WriteGuard<'_, Content> {
        let mut content = self.content.write_second();
        content.settle();
        content
    }

    /// Exclusive access.
    pub(crate) fn write_lock(&self) -> WriteGuard<'_, Content> {
        let mut content = self.content.write();
        content.settle();
        content
    }

    /// Exclusive access, for who [ends a window](Content::end_window) first.
    pub(crate) fn write_lock_unsettled(&self) -> WriteGuard<'_, Content> {
        self.content.write()
    }

    /// Bytes; a multiple of the page size.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Acquire)
    }

    /// Pages.
    pub(crate) fn page_count(&self) -> u64 {
        self.size() >> PAGE_SHIFT
    }

    /// The stream (content) size.
    pub(crate) fn stream_size(&self) -> &StreamSize {
        &self.stream_size
    }

    /// Tells the store which inode its mappings belong to.
    pub(crate) fn set_inode(&self, inode: Inode) {
        self.write_lock().inode = Some(inode);
    }

    /// The inode that all mappings of the store belong to, unless it has retired.
    pub(crate) fn inode(&self) -> Option<Inode> {
        self.read_lock().inode.clone()
    }

    /// How the memory is cached.
    pub(crate) fn cache_policy(&self) -> CachePolicy {
        CachePolicy::from_masked(self.cache_policy.load(Relaxed))
    }

    /// Notes how the memory is cached. All pages are so already, or are made so before a mapping
    /// shows them; `_content` shows that the lock is held.
    pub(crate) fn note_cache_policy(&self, _content: &mut Content, policy: CachePolicy) {
        self.cache_policy.store(policy.raw(), Relaxed);
    }

    /// Whether only one VMO uses the store.
    pub(crate) fn has_one_user(&self) -> bool {
        self.users.load(Relaxed) == 1
    }

    /// Another VMO uses the store; the caller's keeps it meanwhile.
    pub(crate) fn user_added(&self) {
        self.users.add(1, Relaxed);
    }

    /// A VMO no longer uses the store; whether it was the last one.
    pub(crate) fn user_dropped(&self) -> bool {
        self.users.fetch_sub(1, Full) == 1
    }

    /// Gives all memory back and lets go of the inode, as nobody can reach the store any more.
    pub(crate) fn retire(&self) {
        let (pages, inode) = {
            let mut content = self.write_lock();
            if let Some(state) = &mut content.discardable {
                state.retire();
            }
            (content.pages.take(), content.inode.take())
        };
        drop(pages);
        drop(inode);
    }

    /// Gives back every page of bytes `from..to`, which must lie in the store and be whole pages
    /// (spec 7.4). BAD_STATE, and no change, if one is pinned.
    pub(crate) fn decommit(&self, from: u64, to: u64) -> ZxResult {
        let mut content = self.write_lock();
        let end = (to >> PAGE_SHIFT).min(self.page_count());
        content.release(from >> PAGE_SHIFT, end)
    }

    /// Makes bytes `from..to` read as zero (spec 7.5), as far as they lie in the store.
    pub(crate) fn zero(&self, from: u64, to: u64) -> ZxResult {
        let mut content = self.write_lock();
        let to = to.min(self.size());
        content.zero(from, to)
    }

    /// A store that shows bytes `offset..offset + size` of this one as they are now, and zeros
    /// where this one ends; `offset` is a multiple of the page size. INVALID_ARGS if the
    /// accumulated offset wraps (spec 8.5).
    ///
    /// Pages that somebody has pinned stay this store's alone, so that what is written through the
    /// pin is seen here and not there; the new store gets copies.
    pub(crate) fn snapshot(&self, offset: u64, size: u64, stream_size: u64) -> ZxResult<Arc<Self>> {
        let begin = self.accumulate(offset, size)?;
        let charge = Charge::take()?;
        let mut content = self.write_lock();
        let first = (offset >> PAGE_SHIFT).min(self.page_count());
        let end = first + (size >> PAGE_SHIFT).min(self.page_count() - first);
        let held = content.protect(first, end)?;
        let origin = self.origin;
        let id = NEXT_ID.fetch_add(1, Relaxed);
        let mut pages =
            content
                .pages
                .share(origin + first, origin + end, Owner::new(id, charge))?;
        for index in held {
            // Nothing has translations of the new map's pages yet.
            pages.own(origin + index, || {})?;
        }
        let content = Content::new(pages, begin >> PAGE_SHIFT);
        Ok(Self::with_content(id, size, stream_size, content)?)
    }

    /// The accumulated offset (spec 8.5) of byte `offset`; INVALID_ARGS if that, or `size` bytes
    /// from there, wraps 64 bits.
    pub(crate) fn accumulate(&self, offset: u64, size: u64) -> ZxResult<u64> {
        let begin = (self.origin << PAGE_SHIFT).checked_add(offset);
        let begin = begin.ok_or(Status::INVALID_ARGS)?;
        begin.checked_add(size).ok_or(Status::INVALID_ARGS)?;
        Ok(begin)
    }

    /// Changes the size to `size` rounded up (which the caller has checked), and the stream size
    /// to `size` (spec 5.3).
    pub(crate) fn set_size(&self, size: u64, rounded: u64) -> ZxResult {
        let mut content = self.write_lock();
        let old = self.size();
        if rounded > old {
            self.accumulate(0, rounded)?;
        }
        if rounded < old {
            content.release(rounded >> PAGE_SHIFT, old >> PAGE_SHIFT)?;
        }
        // By spec 5.3 a failure of this is ignored.
        let _ = content.zero(size, rounded);
        self.size.store(rounded, Release);
        self.stream_size.set(size);
        if let Some(inode) = &content.inode {
            inode.set_size(rounded);
        }
        Ok(())
    }

    /// Changes the stream size of an extent of this store, zeroing everything from the lower of
    /// old and new on (spec 6).
    pub(crate) fn set_stream_size(&self, extent: &Extent<'_>, size: u64) -> ZxResult {
        let mut content = self.write_lock();
        let (begin, end) = (extent.begin, extent.reach.min(self.size()));
        let old = extent.stream_size.get();
        if size == old {
            return Ok(());
        }
        if size > end - begin {
            return Err(Status::OUT_OF_RANGE);
        }
        let from = begin + size.min(old);
        let first = from >> PAGE_SHIFT;
        content.unmap(first, (end >> PAGE_SHIFT) - first);
        content.zero(from, end)?;
        extent.stream_size.set(size);
        Ok(())
    }
}
