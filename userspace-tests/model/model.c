// SPDX-License-Identifier: GPL-2.0
/* The storage of the model and the life of its objects. */
#include "model.h"

struct slot slots[SLOTS];
struct map maps[MAPS];
struct object *objects;
unsigned int broken_rule;
bool without_discards;
bool large_folios;

static unsigned int families;

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

/* Wraps as 0.2 says. */
u64 round_up(u64 value)
{
	return (value + PAGE - 1) & ~(PAGE - 1);
}

bool sum_wraps(u64 a, u64 b)
{
	return a + b < a;
}

bool in_range(u64 offset, u64 len, u64 size)
{
	return !sum_wraps(offset, len) && offset <= size && offset + len <= size;
}

u64 size_of(const struct object *object)
{
	return object->kind == SLICE ? object->length : object->store->size;
}

/* Slices have their own counter, references share it (6). */
u64 *stream_of(struct object *object)
{
	return object->kind == SLICE ? &object->stream : &object->store->stream;
}

static struct view *view_at(struct store *store, u64 number)
{
	unsigned int i;

	for (i = store->last ? store->last - 1 : 0; i < store->count && i < store->last + 2; i++)
		if (store->pages[i].number == number)
			goto found;
	for (i = 0; i < store->count; i++)
		if (store->pages[i].number == number)
			goto found;
	return NULL;
found:
	store->last = i;
	return &store->pages[i];
}

/* The page that holds the byte; NULL where it reads as zero. */
struct frame *frame_at(const struct object *object, u64 offset)
{
	struct view *view = view_at(object->store, (object->offset + offset) / PAGE);

	return view ? view->frame : NULL;
}

static void put_frame(struct frame *frame)
{
	if (!--frame->sharers)
		free(frame);
}

/* Page number of the store, where it shows nothing yet. */
void show(struct store *store, u64 number, struct frame *frame)
{
	if (store->count == STORE_PAGES)
		abort();
	store->pages[store->count++] = (struct view){ number, frame };
	store->used = true;
}

static void hide(struct store *store, struct view *view)
{
	put_frame(view->frame);
	*view = store->pages[--store->count];
}

struct frame *copy_frame(const struct frame *frame)
{
	struct frame *copy = allocate(sizeof(*copy));

	copy->sharers = 1;
	memcpy(copy->bytes, frame->bytes, PAGE);
	return copy;
}

/* The bytes of the page with this one; nobody else shows it (23.2, Write). */
u8 *own_page(struct object *object, u64 offset)
{
	u64 number = (object->offset + offset) / PAGE;
	struct view *view = view_at(object->store, number);
	struct frame *frame;

	if (view && view->frame->sharers == 1)
		return view->frame->bytes;
	if (!view) {
		frame = allocate(sizeof(*frame));
		frame->sharers = 1;
		show(object->store, number, frame);
		return frame->bytes;
	}
	frame = copy_frame(view->frame);
	put_frame(view->frame);
	view->frame = frame;
	return frame->bytes;
}

/* Whether the pages of a range can be made within the limits of the model. */
bool has_room(const struct object *object, u64 offset, u64 len)
{
	u64 most = large_folios ? 2 * LARGE_PAGES : COMMIT_PAGES;

	return len <= most * PAGE &&
	       (offset % PAGE + len) / PAGE + 1 + object->store->count <= STORE_PAGES;
}

static void zero_part(struct object *object, u64 offset, u64 len)
{
	struct frame *frame = frame_at(object, offset);

	if (!len || !frame)
		return;
	/* 7.5: a shared page is copied first. */
	memset(own_page(object, offset) + offset % PAGE, 0, len);
}

/* Whole pages: they read as zero and count no more. */
void drop_pages(struct object *object, u64 offset, u64 len)
{
	u64 first = (object->offset + offset) / PAGE, count = len / PAGE;
	struct store *store = object->store;
	unsigned int i = 0;

	while (i < store->count) {
		if (store->pages[i].number - first < count)
			hide(store, &store->pages[i]);
		else
			i++;
	}
}

/* 7.5. The range lies within the size. */
void zero_range(struct object *object, u64 offset, u64 len)
{
	u64 head = -offset % PAGE;

	if (head > len)
		head = len;
	zero_part(object, offset, head);
	offset += head;
	len -= head;
	drop_pages(object, offset, len);
	zero_part(object, offset + len / PAGE * PAGE, len % PAGE);
}

/* 5.3 */
void resize(struct object *object, u64 size)
{
	struct store *store = object->store;
	u64 rounded = round_up(size);

	if (rounded < store->size)
		drop_pages(object, rounded, store->size - rounded);
	store->size = rounded;
	store->stream = size;
	if (broken_rule != 1)
		zero_range(object, size, rounded - size);
}

/* 7.4, step 5: another living store of the same family. */
bool has_relatives(const struct object *object)
{
	const struct object *other;

	for (other = objects; other; other = other->next)
		if (other->store != object->store &&
		    other->store->family == object->store->family)
			return true;
	return false;
}

unsigned int children_of(const struct object *object)
{
	const struct object *child;
	unsigned int count = 0;

	for (child = objects; child; child = child->next)
		count += child->parent == object;
	return count;
}

u32 signals_of(const struct object *object)
{
	return object->signals | (children_of(object) ? 0 : ZX_VMO_ZERO_CHILDREN);
}

static struct object *add_object(struct store *store, enum kind kind)
{
	struct object *object = allocate(sizeof(*object));

	object->store = store;
	object->kind = kind;
	store->objects++;
	object->next = objects;
	objects = object;
	return object;
}

struct object *new_object(u64 size, u64 max, u32 options)
{
	struct store *store = allocate(sizeof(*store));

	store->size = max;
	store->stream = size;
	store->resizable = options & ZX_VMO_RESIZABLE;
	store->discardable = options & ZX_VMO_DISCARDABLE;
	store->family = ++families;
	return add_object(store, ORIGINAL);
}

static struct store *snapshot(struct object *parent, u64 offset, u64 size)
{
	struct store *store = allocate(sizeof(*store)), *from = parent->store;
	u64 end = offset + round_up(size), i;

	store->size = round_up(size);
	store->stream = size;
	store->base = from->base + offset;
	store->family = from->family;
	/* What the parent shows now, up to its end (8.5, 23.2). */
	for (i = 0; i < from->count; i++) {
		u64 at = from->pages[i].number * PAGE;

		if (at < offset || at >= end)
			continue;
		from->pages[i].frame->sharers++;
		show(store, (at - offset) / PAGE, from->pages[i].frame);
	}
	store->used = true;
	from->used = true;
	return store;
}

/* After all checks. */
struct object *new_child(struct object *parent, u32 options, u64 offset, u64 size)
{
	struct object *child;

	if (options & ZX_VMO_CHILD_SLICE) {
		child = add_object(parent->store, SLICE);
		child->offset = parent->offset + offset;
		child->length = round_up(size);
		child->stream = size;
	} else if (options & ZX_VMO_CHILD_REFERENCE) {
		child = add_object(parent->store, REFERENCE);
	} else {
		child = add_object(snapshot(parent, offset, size), SNAPSHOT);
		child->store->resizable = options & ZX_VMO_CHILD_RESIZABLE;
		/* 19.4: only of this kind */
		child->immutable = options == (ZX_VMO_CHILD_SNAPSHOT | ZX_VMO_CHILD_NO_WRITE);
	}
	child->parent = parent;
	return child;
}

static void put_store(struct store *store)
{
	if (--store->objects)
		return;
	while (store->count)
		hide(store, &store->pages[0]);
	free(store);
}

/* A handle, a mapping or a stream went: without all of them, the object goes (8.8). */
void put_object(struct object *object)
{
	struct object **link, *child;

	if (object->handles || object->areas || object->streams)
		return;
	for (child = objects; child; child = child->next)
		if (child->parent == object)
			child->parent = broken_rule == 2 ? NULL : object->parent;
	for (link = &objects; *link != object; link = &(*link)->next)
		;
	*link = object->next;
	put_store(object->store);
	free(object);
}

/* 23.2: slices and references have nothing. */
struct charge charge_of(const struct object *object)
{
	const u64 one = 1ULL << 63;
	struct charge charge = { };
	unsigned int i, sharers;

	if (object->kind == SLICE || object->kind == REFERENCE)
		return charge;
	for (i = 0; i < object->store->count; i++) {
		sharers = object->store->pages[i].frame->sharers;
		charge.committed += PAGE;
		charge.private += sharers == 1 ? PAGE : 0;
		charge.fraction += one / sharers * (PAGE % sharers);
		charge.scaled += PAGE / sharers + charge.fraction / one;
		charge.fraction %= one;
	}
	return charge;
}
