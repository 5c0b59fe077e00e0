/* SPDX-License-Identifier: MIT */

/* A few certificates, found by their bytes. */

#include "verity/cms/issued.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct verity_cms_issued {
	pthread_mutex_t lock; /* of all that follows */
	struct item {
		uint8_t *bytes; /* owned */
		size_t size;
		X509 *certificate, *issuer; /* owned */
	} items[VERITY_CMS_ISSUED_MAX];
	size_t count;
};

struct verity_cms_issued *verity_cms_issued_new(void)
{
	struct verity_cms_issued *issued = calloc(1, sizeof(*issued));

	if (issued)
		pthread_mutex_init(&issued->lock, NULL);
	return issued;
}

void verity_cms_issued_free(struct verity_cms_issued *issued)
{
	if (!issued)
		return;
	for (size_t i = 0; i < issued->count; i++) {
		free(issued->items[i].bytes);
		X509_free(issued->items[i].certificate);
		X509_free(issued->items[i].issuer);
	}
	pthread_mutex_destroy(&issued->lock);
	free(issued);
}

/* Called with the lock held. */
static X509 *find(const struct verity_cms_issued *issued, struct verity_der bytes,
		  const X509 *issuer)
{
	size_t size = verity_der_size(&bytes);

	for (size_t i = 0; i < issued->count; i++) {
		const struct item *item = &issued->items[i];

		if (item->issuer == issuer && item->size == size &&
		    memcmp(item->bytes, bytes.next, size) == 0)
			return item->certificate;
	}
	return NULL;
}

X509 *verity_cms_issued_get(struct verity_cms_issued *issued, struct verity_der bytes,
			    const X509 *issuer)
{
	X509 *certificate;

	pthread_mutex_lock(&issued->lock);
	certificate = find(issued, bytes, issuer);
	if (certificate && X509_up_ref(certificate) != 1)
		certificate = NULL;
	pthread_mutex_unlock(&issued->lock);
	return certificate;
}

void verity_cms_issued_add(struct verity_cms_issued *issued, struct verity_der bytes,
			   X509 *certificate, X509 *issuer)
{
	struct item item = {.size = verity_der_size(&bytes),
			    .certificate = certificate,
			    .issuer = issuer};

	pthread_mutex_lock(&issued->lock);
	/* Another thread may have been faster. */
	if (issued->count < VERITY_CMS_ISSUED_MAX && !find(issued, bytes, issuer))
		item.bytes = malloc(item.size);
	if (item.bytes) {
		memcpy(item.bytes, bytes.next, item.size);
		X509_up_ref(certificate);
		X509_up_ref(issuer);
		issued->items[issued->count++] = item;
	}
	pthread_mutex_unlock(&issued->lock);
}
