// SPDX-License-Identifier: GPL-2.0

//! Nodes of the page map: tables of [`SLOTS`] slots, shared by reference counting.
//!
//! A node at height 0 holds pages, one above it holds nodes. Sharing follows `Arc::make_mut`:
//! a node with one reference belongs to whoever can reach it and may be changed through
//! `&mut`; one with more is immutable, and [`NodeRef::make_mut`] first copies its slots (not
//! what they lead to). Through `&Node` an empty slot can be filled, and nothing else can happen
//! to a slot: whatever a `&Node` leads to stays there while the borrow lasts.
//!
//! Beside each slot of height 0 there is a mark, for pages that page tables may show.

use super::{
    c,
    cache::{Batch, CacheMode},
    page::{Page, PageRef},
};
use core::{
    mem::ManuallyDrop,
    ptr::{addr_of_mut, null_mut, NonNull},
};
use kernel::{
    bindings,
    prelude::*,
    sync::atomic::{Acquire, Atomic, Full, Relaxed},
};

/// log2 of [`SLOTS`].
pub(crate) const SLOT_BITS: u32 = 6;

/// Slots of a node. 64 keeps the copy that the first write after a snapshot makes of each node
/// on its path at 512 bytes, and a lookup in 1 GiB at three steps.
pub(crate) const SLOTS: usize = 1 << SLOT_BITS;

/// References of a node that has had too many to count: far from both ends of the range.
const SATURATED: u32 = u32::MAX / 4 * 3;

/// Bytes that one node takes.
pub(crate) const NODE_SIZE: usize = core::mem::size_of::<Node>();

/// A table of slots.
///
/// # Invariants
///
/// A non-null slot owns one sharer of a page (height 0) or one reference to a node whose height
/// is one less (any other height).
#[repr(C)]
pub(crate) struct Node {
    references: Atomic<u32>,
    height: u32,
    touched: Atomic<u64>,
    slots: [Slot; SLOTS],
}

type Slot = Atomic<*mut bindings::page>;

/// What a slot holds.
pub(crate) enum Entry<'a> {
    /// Nothing.
    Empty,
    /// A page; only in a node of height 0.
    Page(&'a Page),
    /// A node; only in a node of another height.
    Node(&'a Node),
}

impl Node {
    /// 0 for a node that holds pages; otherwise the height of what it holds, plus one.
    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    /// Whether more than one owner can reach this node.
    pub(crate) fn is_shared(&self) -> bool {
        self.references.load(Acquire) != 1
    }

    /// What slot `index` holds. Indexes count modulo [`SLOTS`].
    pub(crate) fn entry(&self, index: usize) -> Entry<'_> {
        let slot = self.slots[index % SLOTS].load(Acquire);
        let Some(slot) = NonNull::new(slot) else {
            return Entry::Empty;
        };
        if self.height == 0 {
            // SAFETY: By the type invariants the slot owns a sharer. A filled slot only changes
            // through `&mut Node`, so the sharer lives as long as the borrow of `self`.
            Entry::Page(unsafe { PageRef::borrow_raw(slot) })
        } else {
            // SAFETY: As above, with a reference to a node.
            Entry::Node(unsafe { slot.cast::<Node>().as_ref() })
        }
    }

    /// Puts a page into an empty slot of a node of height 0. Returns what is there then, and
    /// whether it is the page passed: if the slot was filled meanwhile, `page` is dropped.
    pub(crate) fn fill_page(&self, index: usize, page: PageRef) -> (Option<&Page>, bool) {
        if self.height != 0 {
            return (None, false);
        }
        let page = page.into_raw();
        let won = self.fill(index, page);
        if !won {
            // SAFETY: The pointer was not stored, so it still owns the sharer of `page`.
            drop(unsafe { PageRef::from_raw(page) });
        }
        match self.entry(index) {
            Entry::Page(page) => (Some(page), won),
            _ => (None, won),
        }
    }

    /// Puts a node into an empty slot, and returns what is there then: another node if the slot
    /// was filled meanwhile.
    pub(crate) fn fill_node(&self, index: usize, node: NodeRef) -> Option<&Node> {
        if self.height != node.height() + 1 {
            return None;
        }
        if node.touched() != 0 {
            self.touch(index);
        }
        let node = node.into_raw();
        if !self.fill(index, node.cast()) {
            // SAFETY: The pointer was not stored, so it still owns the reference of `node`.
            drop(unsafe { NodeRef::from_raw(node) });
        }
        match self.entry(index) {
            Entry::Node(node) => Some(node),
            _ => None,
        }
    }

    fn fill(&self, index: usize, value: NonNull<bindings::page>) -> bool {
        self.slots[index % SLOTS]
            .cmpxchg(null_mut(), value.as_ptr(), Full)
            .is_ok()
    }

    /// The reference in slot `index`, to change what it leads to. `None` if the slot is empty or
    /// holds a page.
    pub(crate) fn node_mut(&mut self, index: usize) -> Option<&mut NodeRef> {
        if self.height == 0 {
            return None;
        }
        let slot = self.slots[index % SLOTS].get_mut();
        if slot.is_null() {
            return None;
        }
        // SAFETY: `NodeRef` is a transparent wrapper of a non-null pointer, and by the type
        // invariants this one owns a reference to a node. The borrow of `self` is exclusive.
        Some(unsafe { &mut *addr_of_mut!(*slot).cast::<NodeRef>() })
    }

    /// Replaces what slot `index` of a node of height 0 holds, and returns it. The mark goes with it:
    /// it was that page's.
    pub(crate) fn replace_page(&mut self, index: usize, page: Option<PageRef>) -> Option<PageRef> {
        if self.height != 0 {
            return None;
        }
        *self.touched.get_mut() &= !(1 << (index % SLOTS));
        let new = page.map_or(null_mut(), |page| page.into_raw().as_ptr());
        let old = core::mem::replace(self.slots[index % SLOTS].get_mut(), new);
        // SAFETY: By the type invariants a non-null slot owns a sharer; it is taken out here.
        NonNull::new(old).map(|old| unsafe { PageRef::from_raw(old) })
    }

    /// Takes the node out of slot `index` of a node of a height other than 0.
    pub(crate) fn take_node(&mut self, index: usize) -> Option<NodeRef> {
        if self.height == 0 {
            return None;
        }
        let old = core::mem::replace(self.slots[index % SLOTS].get_mut(), null_mut());
        // SAFETY: As in `replace_page`, with a reference to a node.
        NonNull::new(old).map(|old| unsafe { NodeRef::from_raw(old.cast()) })
    }

    /// Marks slot `index`: its page has been entered into a page table; in a node of another
    /// height, the node there may have a mark.
    pub(crate) fn touch(&self, index: usize) {
        self.touch_all(1 << (index % SLOTS));
    }

    /// As [`touch`](Self::touch), where nobody else can reach the node.
    pub(crate) fn touch_mut(&mut self, index: usize) {
        *self.touched.get_mut() |= 1 << (index % SLOTS);
    }

    /// Marks all slots whose bits are set in `slots`.
    pub(crate) fn touch_all(&self, slots: u64) {
        let mut touched = self.touched.load(Relaxed);
        while touched & slots != slots {
            match self.touched.cmpxchg(touched, touched | slots, Relaxed) {
                Ok(_) => return,
                Err(now) => touched = now,
            }
        }
    }

    /// Whether slot `index` is marked.
    pub(crate) fn is_touched(&self, index: usize) -> bool {
        self.touched.load(Relaxed) & 1 << (index % SLOTS) != 0
    }

    /// The marks of all slots: bit n is that of slot n.
    pub(crate) fn touched(&self) -> u64 {
        self.touched.load(Relaxed)
    }

    /// Removes the marks whose bits are set in `slots`. Leaves are copied without marks, too.
    pub(crate) fn untouch(&self, slots: u64) {
        let mut touched = self.touched.load(Relaxed);
        while touched & slots != 0 {
            match self.touched.cmpxchg(touched, touched & !slots, Relaxed) {
                Ok(_) => return,
                Err(now) => touched = now,
            }
        }
    }

    fn pages(&self) -> impl Iterator<Item = &Page> {
        (0..SLOTS).filter_map(|index| match self.entry(index) {
            Entry::Page(page) => Some(page),
            _ => None,
        })
    }

    /// Makes all pages of a node of height 0 write-back in one go. A page where that fails is left
    /// to its last share.
    #[cold]
    fn write_back(&self) {
        let mut batch = Batch::new(CacheMode::Cached);
        for page in self.pages() {
            let _ = batch.add(page);
        }
        let _ = batch.finish();
    }

    /// How many slots are not empty.
    pub(crate) fn filled(&self) -> u64 {
        // SAFETY: The slots may be filled meanwhile, which the callee allows for.
        unsafe { c::zx_slots_filled(self.raw_slots(), SLOTS as u32).into() }
    }

    /// The first slot of a node of height 0, from `from` up to `end`, whose page has several
    /// sharers.
    pub(crate) fn first_shared(&self, from: usize, end: usize) -> Option<usize> {
        if self.height != 0 {
            return None;
        }
        let end = end.min(SLOTS);
        // SAFETY: As in `filled`. At height 0 each slot is empty or has a page of ours.
        let at = unsafe { c::zx_slots_first_shared(self.raw_slots(), from as u32, end as u32) };
        let at = at as usize;
        (at < end).then_some(at)
    }

    /// Makes `owner` the one for whom all pages of a node of height 0 were made; see
    /// [`PageRef::copy_of`]. Calls for one page are made under the lock of its owner, and of the
    /// new one.
    pub(crate) fn set_owner(&mut self, owner: u64) {
        if self.height == 0 {
            // SAFETY: As in `first_shared`.
            unsafe { c::zx_slots_set_owner(self.raw_slots(), owner) }
        }
    }

    /// The first slot.
    pub(super) fn raw_slots(&self) -> *const *mut bindings::page {
        self.slots.as_ptr().cast()
    }

    pub(super) fn raw_slots_mut(&mut self) -> *mut *mut bindings::page {
        self.slots.as_mut_ptr().cast()
    }

    /// Whether every slot is empty.
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: As in `filled`.
        unsafe { c::zx_slots_empty(self.raw_slots(), SLOTS as u32) }
    }
}

/// A counted reference to a [`Node`].
///
/// # Invariants
///
/// Points to a live node and owns one of its references.
#[repr(transparent)]
pub(crate) struct NodeRef(NonNull<Node>);

// SAFETY: Nodes are not tied to a thread, and their shared state is atomic.
unsafe impl Send for NodeRef {}
// SAFETY: As above.
unsafe impl Sync for NodeRef {}

impl NodeRef {
    /// Makes an empty node, charged to the current memory control group.
    pub(crate) fn new(height: u32) -> Result<Self> {
        Self::with_slots(height, |slots| {
            // SAFETY: The slots are ours. All-zeros is an empty one.
            unsafe { slots.write_bytes(0, SLOTS) }
        })
    }

    /// Makes a node whose slots `fill` initialises, all of them. A copy is not cleared first: that
    /// saves 117 instructions of the first write to a leaf after a snapshot.
    fn with_slots(height: u32, fill: impl FnOnce(*mut Slot)) -> Result<Self> {
        // SAFETY: The cache exists while the module is loaded; may sleep, as all callers can.
        let node = unsafe { c::kmem_cache_alloc_noprof(cache(), c::ZX_C_GFP_NODE) };
        let node = NonNull::new(node.cast::<Node>()).ok_or(ENOMEM)?;
        let raw = node.as_ptr();
        // SAFETY: The memory is ours, large enough and aligned; each member is written to.
        unsafe {
            addr_of_mut!((*raw).references).write(Atomic::new(1));
            addr_of_mut!((*raw).height).write(height);
            addr_of_mut!((*raw).touched).write(Atomic::new(0));
            fill(addr_of_mut!((*raw).slots).cast());
        }
        // INVARIANT: The one reference is ours.
        Ok(Self(node))
    }

    /// Makes another reference. The node is immutable from then on, until one is left.
    pub(crate) fn share(&self) -> Self {
        if self.references.fetch_add(1, Relaxed) > u32::MAX / 2 {
            // As refcount_t does: a count out of range leaks the node instead of freeing it early.
            self.references.store(SATURATED, Relaxed);
        }
        Self(self.0)
    }

    /// Exclusive access to the node, which is copied first if it is shared. The copy leads to the
    /// same pages or nodes, so these are shared then.
    pub(crate) fn make_mut(&mut self) -> Result<&mut Node> {
        if self.is_shared() {
            *self = self.duplicate()?;
        }
        // SAFETY: There is one reference, it is ours and borrowed exclusively: nobody else can
        // reach the node. `is_shared` has acquired what former owners did.
        Ok(unsafe { self.0.as_mut() })
    }

    /// Exclusive access to the node if it is not shared.
    pub(crate) fn get_mut(&mut self) -> Option<&mut Node> {
        if self.is_shared() {
            return None;
        }
        // SAFETY: As in `make_mut`.
        Some(unsafe { self.0.as_mut() })
    }

    fn duplicate(&self) -> Result<Self> {
        if self.height == 0 {
            // INVARIANT: The copy's slots own the sharers that are added. One call for all: half
            // of what the first write to a page of the leaf takes otherwise (1420 instructions).
            return Self::with_slots(0, |slots| {
                // SAFETY: Both have as many slots, and the copy's are ours; all of them are written
                // to. Those of `self` hold pages, whose sharers stay while the node is shared.
                unsafe { c::zx_slots_share(slots.cast(), self.raw_slots(), SLOTS as u32) }
            });
        }
        let copy = Self::with_slots(self.height, |slots| {
            for (at, slot) in self.slots.iter().enumerate() {
                let node = NonNull::new(slot.load(Acquire)).map_or(null_mut(), |slot| {
                    // SAFETY: The slot owns a reference, and this one is not dropped: only the
                    // reference that `share` adds is kept.
                    let node = ManuallyDrop::new(unsafe { Self::from_raw(slot.cast()) });
                    node.share().into_raw().as_ptr().cast()
                });
                // SAFETY: The slots are ours, and there are as many.
                // INVARIANT: The copy's slot owns the reference that is added.
                unsafe { slots.add(at).write(Atomic::new(node)) };
            }
        })?;
        copy.touch_all(self.touched());
        Ok(copy)
    }

    fn into_raw(self) -> NonNull<Node> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    ///
    /// `node` must be live and the caller must own the reference that is taken over.
    unsafe fn from_raw(node: NonNull<Node>) -> Self {
        Self(node)
    }
}

impl core::ops::Deref for NodeRef {
    type Target = Node;

    fn deref(&self) -> &Node {
        // SAFETY: By the type invariants the node is alive while `self` is. Nobody holds a
        // `&mut Node` to it: that takes an exclusive borrow of the only reference.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for NodeRef {
    fn drop(&mut self) {
        match self.references.fetch_sub(1, Full) {
            1 => {}
            count => {
                if count > u32::MAX / 2 {
                    self.references.store(SATURATED, Relaxed);
                }
                return;
            }
        }
        // SAFETY: That was the last reference, and `Full` orders what former owners did before.
        let node = unsafe { self.0.as_mut() };
        // The first page tells of the others; each is looked at again when it is freed.
        let first = node.pages().next();
        if first.is_some_and(|page| !page.has_cache_mode(CacheMode::Cached)) {
            node.write_back();
        }
        if node.height == 0 {
            // SAFETY: By the type invariants filled slots own sharers, which are given up here; the
            // slots are not looked at again.
            unsafe { c::zx_slots_drop(node.raw_slots(), SLOTS as u32) };
        } else {
            // Recursion is as deep as the map is high, nine levels at most.
            for index in 0..SLOTS {
                drop(node.take_node(index));
            }
        }
        // SAFETY: Allocated from this cache, and nobody can reach it any more.
        unsafe { c::kmem_cache_free(cache(), self.0.as_ptr().cast()) };
    }
}

static CACHE: Atomic<*mut bindings::kmem_cache> = Atomic::new(null_mut());

fn cache() -> *mut bindings::kmem_cache {
    CACHE.load(Relaxed)
}

/// The slab cache of nodes. Exists once, from module initialisation to exit.
pub(crate) struct NodeCache(());

impl NodeCache {
    /// Makes the cache. Must be dropped after every node.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The name is static.
        let cache = unsafe { c::zx_cache_create(c"zxvmo_node".as_char_ptr(), NODE_SIZE as u32) };
        if cache.is_null() {
            return Err(ENOMEM);
        }
        CACHE.store(cache, Relaxed);
        Ok(Self(()))
    }
}

impl Drop for NodeCache {
    fn drop(&mut self) {
        // SAFETY: Made in `new`. The module exits, so no node is left.
        unsafe { c::kmem_cache_destroy(CACHE.xchg(null_mut(), Relaxed)) };
    }
}
