// SPDX-License-Identifier: LGPL-2.1-or-later
/* secret: the vault that holds key material, and the objects that point into it.
 *
 * Octets live in slabs: aligned mappings of SLAB octets that are kept out of core dumps and locked as far as the limit
 * allows, each cut into chunks of one size class. Larger secrets have a mapping of their own. Invariant: every octet of
 * a chunk that is not in use is zero, but for the link of the free list at its start.
 */
#include "parts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SLAB = 64 * 1024,
	SECRET_MAX = 64 * 1024,
	CHUNKS_AT = 64, /* the slab's head before its chunks */
	NO_CHUNK = 0xffff,
};

static const uint16_t classes[] = { 16,	 24,  32,  48,	64,  80,   96,	 128,  160,  192,
				    256, 320, 384, 512, 768, 1024, 1536, 2048, 4096, 8192 };

/* The head of a slab, at its start. */
struct slab {
	struct rv_list entry; /* in the class's list while it has free chunks */
	uint16_t size;	      /* of one chunk */
	uint16_t n_used;
	uint16_t n_fresh; /* chunks from the front that were given out at least once */
	uint16_t free;	  /* first chunk of the free list, or NO_CHUNK */
	bool locked;
};

_Static_assert(sizeof(struct slab) <= CHUNKS_AT, "the head of a slab fits before its chunks");

struct rv_vault {
	pthread_mutex_t lock; /* all below, and every slab's head */
	struct rv_list open[RV_COUNT(classes)];
	atomic_size_t total, locked, pages; /* written under the lock, read without; total and locked: of secrets */
	size_t n_given;			    /* secrets and runs of pages */
	bool ended;			    /* freed while some were alive: ends with the last of them */
};

void rv_wipe(void *p, size_t len)
{
	if (len > 0)
		explicit_bzero(p, len);
}

/* The compiler must take what it is given here for any value: it can neither stop a loop early nor foresee its end. */
static uint64_t opaque(uint64_t value)
{
	__asm__("" : "+r"(value));
	return value;
}

bool rv_equal_secret(struct rv_bytes a, struct rv_bytes b)
{
	uint64_t differ = 0, x, y;
	size_t i = 0;

	if (a.len != b.len)
		return false;
	for (; a.len - i >= sizeof(x); i += sizeof(x)) {
		memcpy(&x, a.p + i, sizeof(x));
		memcpy(&y, b.p + i, sizeof(y));
		differ = opaque(differ | (x ^ y));
	}
	for (; i < a.len; i++)
		differ = opaque(differ | (uint64_t)(a.p[i] ^ b.p[i]));
	return differ == 0;
}

void rv_wiped_end(struct rv_wiped *wiped)
{
	rv_wipe(wiped->p, wiped->len);
}

static size_t class_of(size_t len)
{
	size_t i = 0;

	while (i < RV_COUNT(classes) && classes[i] < len)
		i++;
	return i;
}

static size_t whole_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

/* Maps len octets at a multiple of align (a power of two of at least a page). */
static uint8_t *map_aligned(size_t len, size_t align)
{
	size_t spare = align > whole_pages(1) ? align : 0;
	uint8_t *p = mmap(NULL, len + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (spare == 0)
		return p;
	size_t before = (align - ((uintptr_t)p & (align - 1))) & (align - 1);
	if (before > 0)
		munmap(p, before);
	if (spare > before)
		munmap(p + before + len, spare - before);
	return p + before;
}

/* Maps memory for secrets; *locked tells whether it can be swapped out. */
static uint8_t *map_secret(struct rv_vault *vault, size_t len, size_t align, bool *locked)
{
	uint8_t *p = map_aligned(len, align);

	if (!p)
		return NULL;
	/* MLOCK_ONFAULT: a page that is never touched holds no secret and need not be in memory. */
	madvise(p, len, MADV_DONTDUMP);
	*locked = mlock2(p, len, MLOCK_ONFAULT) == 0;
	vault->total += len;
	vault->locked += *locked ? len : 0;
	return p;
}

static void unmap_secret(struct rv_vault *vault, void *p, size_t len, bool locked)
{
	vault->total -= len;
	vault->locked -= locked ? len : 0;
	munmap(p, len);
}

static uint8_t *chunk_at(struct slab *slab, size_t index)
{
	return (uint8_t *)slab + CHUNKS_AT + index * slab->size;
}

static size_t n_chunks(const struct slab *slab)
{
	return (SLAB - CHUNKS_AT) / slab->size;
}

static struct slab *open_slab(struct rv_vault *vault, size_t class)
{
	struct rv_list *head = &vault->open[class];
	bool locked;

	if (!rv_list_empty(head))
		return rv_container_of(head->next, struct slab, entry);

	void *memory = map_secret(vault, SLAB, SLAB, &locked);
	if (!memory)
		return NULL;
	struct slab *slab = memory;
	slab->size = classes[class];
	slab->free = NO_CHUNK;
	slab->locked = locked;
	rv_list_add(head, &slab->entry);
	return slab;
}

static uint8_t *take_chunk(struct rv_vault *vault, size_t class)
{
	struct slab *slab = open_slab(vault, class);
	uint8_t *chunk;

	if (!slab)
		return NULL;
	if (slab->free != NO_CHUNK) {
		chunk = chunk_at(slab, slab->free);
		memcpy(&slab->free, chunk, sizeof(slab->free));
		memset(chunk, 0, sizeof(slab->free));
	} else {
		chunk = chunk_at(slab, slab->n_fresh++);
	}
	if (++slab->n_used == n_chunks(slab))
		rv_list_del(&slab->entry);
	return chunk;
}

static void give_chunk(struct rv_vault *vault, uint8_t *chunk, size_t class)
{
	struct slab *slab = (struct slab *)(void *)(chunk - ((uintptr_t)chunk & (SLAB - 1)));
	struct rv_list *head = &vault->open[class];

	rv_wipe(chunk, slab->size);
	memcpy(chunk, &slab->free, sizeof(slab->free));
	slab->free = (uint16_t)((size_t)(chunk - chunk_at(slab, 0)) / slab->size);
	if (slab->n_used-- == n_chunks(slab))
		rv_list_add(head, &slab->entry);
	/* The last open slab of a class stays, so that one secret coming and going maps nothing. */
	if (slab->n_used > 0 || head->next == head->prev)
		return;
	rv_list_del(&slab->entry);
	unmap_secret(vault, slab, SLAB, slab->locked);
}

/* A large secret has its mapping alone; whether it is locked stands in a head of its own before it. */
struct large {
	uint64_t locked;
	uint64_t reserved;
};

static uint8_t *take_large(struct rv_vault *vault, size_t len)
{
	bool locked;
	void *memory = map_secret(vault, whole_pages(len + sizeof(struct large)), 1, &locked);

	if (!memory)
		return NULL;
	struct large *large = memory;
	large->locked = locked;
	return (uint8_t *)(large + 1);
}

static void give_large(struct rv_vault *vault, uint8_t *p, size_t len)
{
	struct large *large = (struct large *)(void *)(p - sizeof(*large));
	bool locked = large->locked;

	rv_wipe(p, len);
	unmap_secret(vault, large, whole_pages(len + sizeof(*large)), locked);
}

/* Unlocks a vault that something was given back to; the last one ends a vault that was freed. */
static void given_back(struct rv_vault *vault)
{
	bool last = --vault->n_given == 0 && vault->ended;

	pthread_mutex_unlock(&vault->lock);
	if (last)
		talloc_free(vault);
}

static void let_go(struct rv_vault *vault, uint8_t *b, size_t len)
{
	size_t class = class_of(len);

	pthread_mutex_lock(&vault->lock);
	if (class < RV_COUNT(classes))
		give_chunk(vault, b, class);
	else
		give_large(vault, b, len);
	given_back(vault);
}

bool rv_secret_init(struct rv_secret *secret, struct rv_vault *vault, size_t len)
{
	size_t class = class_of(len);
	uint8_t *b = NULL;

	*secret = (struct rv_secret){ 0 };
	if (len == 0 || len > SECRET_MAX)
		return false;
	pthread_mutex_lock(&vault->lock);
	b = class < RV_COUNT(classes) ? take_chunk(vault, class) : take_large(vault, len);
	vault->n_given += b != NULL;
	pthread_mutex_unlock(&vault->lock);
	if (b)
		*secret = (struct rv_secret){ .len = len, .b = b, .vault = vault };
	return b != NULL;
}

void rv_secret_fini(struct rv_secret *secret)
{
	if (secret->b)
		let_go(secret->vault, secret->b, secret->len);
	*secret = (struct rv_secret){ 0 };
}

void rv_secret_take(struct rv_secret *secret, struct rv_secret *from)
{
	*secret = *from;
	from->b = NULL;
	talloc_free(from);
}

static int secret_end(struct rv_secret *secret)
{
	rv_secret_fini(secret);
	return 0;
}

struct rv_secret *rv_secret_new(struct rv_vault *vault, const void *parent, size_t len)
{
	struct rv_secret *secret = talloc(parent, struct rv_secret);

	if (!secret)
		return NULL;
	if (!rv_secret_init(secret, vault, len)) {
		talloc_free(secret);
		return NULL;
	}
	talloc_set_destructor(secret, secret_end);
	return secret;
}

struct rv_secret *rv_secret_dup(struct rv_vault *vault, const void *parent, struct rv_bytes octets)
{
	struct rv_secret *secret = rv_secret_new(vault, parent, octets.len);

	if (secret)
		memcpy(secret->b, octets.p, octets.len);
	return secret;
}

uint8_t *rv_pages_new(struct rv_vault *vault, size_t len)
{
	uint8_t *p = map_aligned(whole_pages(len), 1);

	if (!p)
		return NULL;
	(void)madvise(p, whole_pages(len), MADV_DONTDUMP);
	pthread_mutex_lock(&vault->lock);
	vault->pages += whole_pages(len);
	vault->n_given++;
	pthread_mutex_unlock(&vault->lock);
	return p;
}

void rv_pages_free(struct rv_vault *vault, uint8_t *pages, size_t len)
{
	if (!pages)
		return;
	munmap(pages, whole_pages(len));
	pthread_mutex_lock(&vault->lock);
	vault->pages -= whole_pages(len);
	given_back(vault);
}

void rv_vault_locked(const struct rv_vault *vault, size_t *locked, size_t *total)
{
	*locked = vault->locked;
	*total = vault->total;
}

size_t rv_vault_mapped(const struct rv_vault *vault)
{
	return vault->total + vault->pages;
}

/* A vault cannot go before what it gave: talloc then hands it on to a parent further up, and the last one ends it. */
static int vault_end(struct rv_vault *vault)
{
	talloc_free_children(vault); /* talloc would do it after this; the secrets among them must go first */
	pthread_mutex_lock(&vault->lock);
	vault->ended = true;
	bool busy = vault->n_given > 0;
	pthread_mutex_unlock(&vault->lock);
	if (busy)
		return -1;

	for (size_t i = 0; i < RV_COUNT(classes); i++) {
		rv_list_each (&vault->open[i], slab, struct slab, entry) {
			unmap_secret(vault, slab, SLAB, slab->locked);
		}
	}
	pthread_mutex_destroy(&vault->lock);
	return 0;
}

struct rv_vault *rv_vault_new(const void *parent)
{
	struct rv_vault *vault = talloc_zero(parent, struct rv_vault);

	if (!vault)
		return NULL;
	pthread_mutex_init(&vault->lock, NULL);
	for (size_t i = 0; i < RV_COUNT(classes); i++)
		rv_list_init(&vault->open[i]);
	talloc_set_destructor(vault, vault_end);
	return vault;
}
