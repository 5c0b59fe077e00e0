/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "overlay/record/record.h"
#include "overlay/record/trust_private.h"
#include "verity/util/cleanup.h"

#define FLOORS_BYTES_MAX (1 << 20) /* of the floors' file */

static void verity_floors_free_p(struct verity_floors *floors)
{
	verity_floors_free(floors);
}

int overlay_trust_load_floors(const struct overlay_trust *trust,
			      struct verity_floors *ret, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = overlay_trust_record(trust, OVERLAY_RECORD_FLOORS, FLOORS_BYTES_MAX,
				     &text, &size, err);

	if (r == 0)
		r = verity_floors_decode(text, size, ret, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

void overlay_trust_see_denylist(struct overlay_trust *trust)
{
	overlay_trust_see_time(trust, verity_denylist_signer(trust->denylist));
	if (verity_floors_raise_denylist(&trust->floors,
					 verity_denylist_text(trust->denylist)->number))
		trust->floors_rose = true;
}

/* Whatever others have raised since stays raised. */
static int merge(struct verity_floors *floors, const struct verity_floors *others,
		 struct verity_error *err)
{
	int r = 0;

	(void)verity_floors_raise_time(floors, others->time);
	(void)verity_floors_raise_denylist(floors, others->denylist);
	for (size_t i = 0; r >= 0 && i < others->count; i++)
		r = verity_floors_raise_epoch(floors, others->epochs[i].name,
					      others->epochs[i].epoch, err);
	return r < 0 ? r : 0;
}

/*
 * What is there is no sound record, and never will be one. Anything else, as too many
 * open files, says nothing about it.
 */
static bool is_damage(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -EFBIG || r == -EIO || r == -EUCLEAN;
}

int overlay_trust_refresh_floors(struct overlay_trust *trust, bool *ret_sound,
				 struct verity_error *err)
{
	cleanup_with(verity_floors_free_p) struct verity_floors others = {.time = 0};
	int r = overlay_trust_load_floors(trust, &others, err);

	*ret_sound = r == 0;
	if (r < 0)
		return is_damage(r) ? 0 : r;
	r = merge(&trust->floors, &others, err);
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

int overlay_trust_refresh(struct overlay_trust *trust, struct verity_error *err)
{
	struct verity_denylist *denylist = NULL;
	bool sound;
	int r = overlay_trust_refresh_floors(trust, &sound, err);

	if (r < 0)
		return r;
	r = overlay_trust_read_denylist(trust, &denylist, err);
	if (r < 0)
		return r == -ENOENT || is_damage(r) ? 0 : r;
	overlay_trust_take_denylist(trust, denylist);
	if (r == 0)
		overlay_trust_see_denylist(trust);
	return 0;
}

/* Neither what is damaged nor what newer firmware wrote is thrown away. */
static int write_floors(struct overlay_trust *trust, bool sound, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r = verity_floors_encode(&trust->floors, &text, err);

	if (r == 0 && !sound)
		r = overlay_record_set_aside(trust->record_fd, OVERLAY_RECORD_FLOORS,
					     err);
	if (r == 0)
		r = overlay_record_replace(trust->record_fd, OVERLAY_RECORD_FLOORS, text,
					   strlen(text), err);
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

int overlay_trust_keep_locked(struct overlay_trust *trust, struct verity_error *err)
{
	bool sound;
	int r;

	if (!trust->floors_rose)
		return 0;
	r = overlay_trust_refresh_floors(trust, &sound, err);
	if (r == 0)
		r = write_floors(trust, sound, err);
	if (r == 0)
		trust->floors_rose = false;
	return r;
}

int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_fd int lock = -1;
	int r;

	if (!trust->floors_rose || trust->record_fd < 0)
		return 0;
	r = overlay_record_lock(trust->record_fd, "floors", false, &lock, err);
	return r < 0 ? r : overlay_trust_keep_locked(trust, err);
}
