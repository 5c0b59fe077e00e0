/* SPDX-License-Identifier: MIT */
#pragma once

/* Fresh keys in a folder of their own, as the tests of signing need them. */

struct keys {
	char folder[64]; /* signer.key, signer.pem, unlock.key, unlock.pem */
	char ring[80];   /* FOLDER/ring, with root.pem in it */
};

void keys_make(struct keys *ret);
void keys_delete(const struct keys *keys);
void keys_path(const struct keys *keys, const char *file, char ret[static 128]);
