// SPDX-License-Identifier: GPL-2.0
/* Cache policies and executable handles, in both families (9, 10). */
#include "model.h"

/* For what needs cached memory. */
zx_status_t want_cached(const struct object *object)
{
	return object->store->policy == ZX_CACHE_POLICY_CACHED || broken_rule == 9 ? ZX_OK :
		ZX_ERR_BAD_STATE;
}

static zx_status_t want_policy(u64 slot, u32 policy)
{
	const struct object *object;
	zx_status_t status;

	if (policy & ~ZX_CACHE_POLICY_MASK)
		return ZX_ERR_INVALID_ARGS;
	status = want_vmo(slot, ZX_RIGHT_MAP);
	if (status)
		return status;
	object = slots[slot].object;
	if (object->areas || children_of(object) || object->parent ||
	    object->store->objects > 1 || object->kind == SLICE || object->kind == REFERENCE)
		return ZX_ERR_BAD_STATE;
	return object->store->discardable && policy != ZX_CACHE_POLICY_CACHED ?
		ZX_ERR_BAD_STATE : ZX_OK;
}

void do_policy(u64 slot, u32 policy)
{
	zx_status_t want = want_policy(slot, policy);
	struct store *store;
	unsigned int i;

	same_status("set_cache_policy", want, zx_vmo_set_cache_policy(real(slot), policy));
	if (want)
		return;
	store = slots[slot].object->store;
	store->policy = policy;
	/* What siblings show remains cached, so it is copied (docs/deviations.md). */
	for (i = 0; policy != ZX_CACHE_POLICY_CACHED && i < store->count; i++)
		own_page(slots[slot].object, store->pages[i].number * PAGE);
}

/* Other objects are no resources. The source goes in any case. */
void do_executable(u64 slot, u64 out, bool resource)
{
	zx_handle_t handle = 0, other = resource ? zx_vmar_root_self() : ZX_HANDLE_INVALID;
	zx_status_t want = want_handle(slot, 0);

	if (taken(out))
		return;
	if (resource)
		want = ZX_ERR_BAD_HANDLE;
	same_status("replace_as_executable", want,
		    zx_vmo_replace_as_executable(real(slot), other, &handle));
	if (!want)
		add_handle(out, slots[slot].object, handle, slots[slot].rights |
			   (broken_rule == 8 ? 0 : ZX_RIGHT_EXECUTE));
	if (slot < SLOTS && slots[slot].object)
		drop_handle(slot);
}
