// SPDX-License-Identifier: LGPL-2.1-or-later
/* prefixes: the gateway's virtual links: each has a prefix of a pool, an interface identifier of ours and a Link ID
 * (RFC 5739, 4.1 and 4.2).
 *
 * A link outlives its session: it is lent again to the same identity that shows its Link ID, and to anybody when no
 * prefix is left that nobody ever had. The Link ID begins with the number of the prefix, so that finding a link takes
 * one look; the rest is random.
 */
#include "ipv6-config.h"

#include <errno.h>
#include <ravelin/connection.h>
#include <ravelin/error.h>
#include <ravelin/wire.h>
#include <string.h>
#include <talloc.h>

enum { MOST = 1 << 20 /* prefixes of one pool */ };

struct lent_link {
	struct rv_list entry; /* in the pool's unused while nobody uses it */
	struct rv_id *owner;  /* NULL: nobody had it yet */
	uint32_t n;	      /* which prefix */
	unsigned uses;	      /* sessions; two while a client authenticates anew */
	uint8_t iid[IID_LEN], id[LINK_LEN];
};

struct prefixes {
	struct rv_list entry;
	char *name;
	struct rv_ts range;
	struct rv_addr base;
	unsigned len;  /* of each prefix */
	uint32_t size; /* how many there are */
	uint32_t next; /* before it each one has a link */
	uint32_t n_used, cap;
	struct lent_link **links; /* of the first cap prefixes; NULL: nobody had it yet */
	struct rv_list unused;	  /* longest unused first */
};

bool link_of(const struct rv_attributes *list, struct link *out)
{
	for (size_t i = 0; list && i < list->n; i++)
		if (list->list[i].type == IP6_LINK && link_read(out, list->list[i].value))
			return true;
	return false;
}

/* Pools */

static struct prefixes *pool_find(struct ipv6_config *c, const char *name)
{
	rv_list_each (&c->pools, pool, struct prefixes, entry)
		if (!strcmp(pool->name, name))
			return pool;
	return NULL;
}

static struct prefixes *pool_new(struct ipv6_config *c, const char *name)
{
	struct prefixes *pool = talloc_zero(c, struct prefixes);

	if (!pool)
		return NULL;
	rv_list_init(&pool->unused);
	rv_list_init(&pool->entry);
	pool->name = talloc_strdup(pool, name);
	if (!pool->name) {
		talloc_free(pool);
		return NULL;
	}
	rv_list_add(&c->pools, &pool->entry);
	return pool;
}

/* What the configuration says now. Nobody uses a prefix of the pool. */
static void pool_set(struct prefixes *pool, const struct rv_ts *range, unsigned cover, unsigned len)
{
	TALLOC_FREE(pool->links);
	rv_list_init(&pool->unused);
	pool->next = pool->cap = 0;
	pool->range = *range;
	pool->base = (struct rv_addr){ .family = RV_IPV6 };
	memcpy(pool->base.ip, range->lo, 16);
	pool->len = len;
	pool->size = len - cover < 20 ? 1u << (len - cover) : MOST;
}

/* The connection's pool. A pool that was changed goes on as it was while anybody uses it. NULL: there is none, or why
 * says what is wrong with it. */
static struct prefixes *pool_of(struct ipv6_config *c, const struct rv_connection *connection, struct rv_why *why)
{
	const char *name = rv_conf_str(connection->conf, "prefix_pool");
	const struct rv_conf *conf;
	struct prefixes *pool;
	struct rv_addr base = { .family = RV_IPV6 };
	struct rv_ts range;

	if (!name)
		return NULL;
	conf = rv_conf_section(rv_conf_section(rv_conf_root(connection->conf), "pools"), name);
	const char *const *list = rv_conf_list(conf, "prefixes");
	unsigned len = (unsigned)rv_conf_int(conf, "prefix_len"), cover;

	if (!list[0] || list[1] || rv_ts_parse(&range, list[0], NULL) || range.family != RV_IPV6) {
		rv_why_set(why, -RV_ECONFIG, "pools.%s.prefixes: one IPv6 prefix is needed", name);
		return NULL;
	}
	memcpy(base.ip, range.lo, 16);
	cover = rv_ts_cover(&range);
	const struct rv_ts whole = rv_ts_prefix(&base, cover);

	if (!rv_ts_same(&range, &whole) || cover > len) {
		rv_why_set(why, -RV_ECONFIG, "pools.%s: %s has no prefixes of %u bits", name, list[0], len);
		return NULL;
	}
	pool = pool_find(c, name);
	if (!pool)
		pool = pool_new(c, name);
	if (pool && !pool->n_used && (pool->len != len || !rv_ts_same(&pool->range, &range)))
		pool_set(pool, &range, cover, len);
	return pool;
}

/* Links */

static uint32_t number_of(struct rv_bytes id)
{
	struct rv_rd r = rv_rd(id);
	uint32_t n = rv_rd_u32(&r);

	return id.len == LINK_LEN ? n : UINT32_MAX;
}

/* RFC 5739, 4.2: "the gateway MUST verify that the client is indeed allowed to use the link identified by the IKEv2
 * Link ID" */
static struct lent_link *known_to_be(const struct prefixes *pool, struct rv_bytes id, const struct rv_id *owner)
{
	uint32_t n = number_of(id);
	struct lent_link *link = n < pool->cap ? pool->links[n] : NULL;

	if (!link || !link->owner || !rv_bytes_equal(id, rv_bytes(link->id, LINK_LEN)) ||
	    !rv_id_same(link->owner, owner))
		return NULL;
	return link;
}

static bool grow(struct prefixes *pool, uint32_t n)
{
	uint32_t cap = pool->cap ? pool->cap : 16;

	while (cap < n)
		cap *= 2;
	if (cap == pool->cap)
		return true;
	struct lent_link **more = talloc_realloc(pool, pool->links, struct lent_link *, cap);

	if (!more)
		return false;
	memset(more + pool->cap, 0, (cap - pool->cap) * sizeof(struct lent_link *));
	pool->links = more;
	pool->cap = cap;
	return true;
}

/* The link of prefix n, which has none yet: unused. */
static struct lent_link *link_at(struct prefixes *pool, uint32_t n)
{
	struct lent_link *link =
		n < pool->size && grow(pool, n + 1) ? talloc_zero(pool->links, struct lent_link) : NULL;

	if (!link)
		return NULL;
	pool->links[n] = link;
	link->n = n;
	rv_list_add(&pool->unused, &link->entry);
	return link;
}

/* A link for somebody else: nothing of the last one stays but the prefix. */
static struct lent_link *renew(struct ipv6_config *c, struct lent_link *link, const struct rv_id *owner,
			       struct rv_bytes not )
{
	struct rv_id *copy = talloc_memdup(link, owner, sizeof(*owner) + owner->len);
	struct rv_wr w = rv_wr(link->id, 4);

	if (!copy)
		return NULL;
	talloc_free(link->owner);
	link->owner = copy;
	rv_host_random(c->host, link->id, LINK_LEN);
	rv_wr_u32(&w, link->n);
	/* RFC 5739, 4.1: "The VPN gateway MUST choose for itself a link-local interface identifier different than the
	 * client's" */
	rv_host_random(c->host, link->iid, IID_LEN);
	link->iid[0] = (uint8_t)((link->iid[0] & ~2) | 4); /* of local scope (RFC 4291, 2.5.1), and not zero */
	if (rv_bytes_equal(not, rv_bytes(link->iid, IID_LEN)))
		link->iid[7] ^= 1;
	return link;
}

/* A prefix that nobody had, else the one that nobody has had for longest. */
static struct lent_link *new_link(struct ipv6_config *c, struct prefixes *pool, const struct rv_attr_request *request,
				  struct rv_bytes iid, struct rv_why *why)
{
	struct lent_link *link = NULL;

	while (pool->next < pool->cap && pool->links[pool->next])
		pool->next++;
	if (pool->next < pool->size) {
		link = link_at(pool, pool->next);
	} else if (!rv_list_empty(&pool->unused)) {
		link = rv_container_of(pool->unused.next, struct lent_link, entry);
	} else {
		rv_why_set(why, -RV_ELIMIT, "all %u prefixes of pool %s are lent", pool->size, pool->name);
		return NULL;
	}
	return link ? renew(c, link, request->remote_id, iid) : NULL;
}

static void use(struct prefixes *pool, struct lent_link *link)
{
	if (link->uses++)
		return;
	rv_list_del(&link->entry);
	rv_list_init(&link->entry);
	pool->n_used++;
}

static void leave(struct prefixes *pool, struct lent_link *link)
{
	if (!link->uses || --link->uses)
		return;
	rv_list_add(&pool->unused, &link->entry);
	pool->n_used--;
}

/* Attributes */

static int add_range(struct rv_attributes *out, const struct rv_addr *addr, unsigned len)
{
	return rv_attributes_add_addr(out, 0, RV_ATTRIBUTE_IP6_RANGE, addr, (int)len);
}

/* INTERNAL_IP6_LINK comes last: with it in the list the link is lent. */
static int put(struct rv_attributes *out, const struct prefixes *pool, const struct lent_link *link,
	       struct rv_bytes client)
{
	const struct link ours = { rv_bytes(link->iid, IID_LEN), rv_bytes(link->id, LINK_LEN) };
	struct rv_addr prefix = nth_prefix(&pool->base, pool->len, link->n), local = link_local(client);
	uint8_t octets[IID_LEN + LINK_LEN];
	int r = add_range(out, &local, 128);

	if (!r)
		r = add_range(out, &prefix, pool->len);
	if (!r)
		r = rv_attributes_add(out, IP6_PREFIX, prefix_write(&prefix, pool->len, octets));
	return r ? r : rv_attributes_add(out, IP6_LINK, link_write(&ours, octets, sizeof(octets)));
}

int prefixes_lend(struct ipv6_config *c, const struct rv_attr_request *request, struct rv_attributes *lent,
		  struct rv_why *why)
{
	struct prefixes *pool;
	struct lent_link *link;
	struct link asked;
	int r;

	if (!link_of(request->asked, &asked))
		return 0;
	pool = pool_of(c, request->connection, why);
	if (!pool)
		return why->code;
	link = known_to_be(pool, asked.id, request->remote_id);
	/* RFC 5739, 4.1: "In case the VPN gateway cannot accept the link-local interface identifier the client
	 * proposed, the VPN gateway MUST fail the IPv6 address assignment" */
	if (!iid_fits(asked.iid) || (link && rv_bytes_equal(asked.iid, rv_bytes(link->iid, IID_LEN))))
		return rv_why_set(why, -RV_EREFUSED, "the peer's interface identifier is zero or ours");
	if (!link)
		link = new_link(c, pool, request, asked.iid, why);
	if (!link)
		return why->code ? why->code : -ENOMEM;
	use(pool, link);
	r = put(lent, pool, link, asked.iid);
	if (r)
		leave(pool, link);
	return r;
}

/* A session that comes with its link. */
static int restore(struct prefixes *pool, const struct link *had, const struct rv_id *owner)
{
	uint32_t n = number_of(had->id);
	struct lent_link *link = n < pool->cap ? pool->links[n] : NULL;

	if (n >= pool->size || (link && link->uses && !known_to_be(pool, had->id, owner)))
		return -RV_EIN_USE;
	if (!link)
		link = link_at(pool, n);
	struct rv_id *copy = link ? talloc_memdup(link, owner, sizeof(*owner) + owner->len) : NULL;

	if (!copy)
		return -ENOMEM;
	talloc_free(link->owner);
	link->owner = copy;
	memcpy(link->id, had->id.p, LINK_LEN);
	memcpy(link->iid, had->iid.p, IID_LEN);
	use(pool, link);
	return 0;
}

void prefixes_keep(struct ipv6_config *c, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	struct rv_why why = { 0 };
	struct link had;
	struct prefixes *pool;
	int r;

	if (!link_of(lent, &had))
		return;
	pool = pool_of(c, request->connection, &why);
	r = pool ? restore(pool, &had, request->remote_id) : -RV_ECONFIG;
	if (r)
		rv_log(&c->host->subject, RV_WARN, "prefix-not-kept", KV_UINT("session", request->session),
		       KV_STR("error", rv_error_text(r)));
}

void prefixes_give_back(struct ipv6_config *c, const struct rv_attr_request *request, const struct rv_attributes *lent)
{
	const char *name = rv_conf_str(request->connection->conf, "prefix_pool");
	struct prefixes *pool = name ? pool_find(c, name) : NULL;
	struct link had;
	struct lent_link *link = pool && link_of(lent, &had) ? known_to_be(pool, had.id, request->remote_id) : NULL;

	if (link)
		leave(pool, link);
}
