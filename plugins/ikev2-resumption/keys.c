// SPDX-License-Identifier: LGPL-2.1-or-later
/* keys: what tickets are sealed with (RFC 5723, 9.5).
 *
 *	key = prf(secret, "Ravelin ticket" | start), key identity = prf(secret, "Ravelin ticket id")[0..3] | start
 *
 * A key makes tickets for `rotate` from its start on, and opens them until the last of these has expired. The start
 * stands in the key identity, so whoever has the secret has every key, and no list of old ones is kept.
 */
#include "ticket.h"

#include <errno.h>
#include <ravelin/config.h>
#include <ravelin/crypto.h>
#include <ravelin/error.h>
#include <ravelin/loop.h>
#include <ravelin/pack.h>
#include <ravelin/secret.h>
#include <ravelin/wire.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MIN = 32, FILE_MAX = 1024, PRINT_LEN = 4, SKEW_S = 300, PRF_LEN = 32, N_SECRETS = 2 };

#define INFO "IKEv2 resumption ticket"

static const struct rv_conf *conf(const struct ticket_keys *keys)
{
	return rv_host_conf(keys->host);
}

static uint64_t seconds(const struct ticket_keys *keys, const char *key)
{
	return rv_conf_us(conf(keys), key) / 1000000;
}

/* Secrets: the configured one, else the file's, else one that lasts as long as the daemon */

static const char *distrust(const struct stat *st)
{
	if (st->st_size < SECRET_MIN)
		return "32 octets at least are expected in it";
	if (st->st_mode & 077)
		return "others may read or write it (mode 0600 is expected)";
	return st->st_uid != geteuid() && st->st_uid != 0 ? "it belongs to another user" : NULL;
}

static struct rv_secret *read_secret(struct ticket_keys *keys, const char *path, struct rv_why *why)
{
	struct stat st;
	struct rv_secret *secret = rv_host_read(keys->host, keys, path, FILE_MAX, &st, why);
	const char *wrong = secret ? distrust(&st) : NULL;

	if (wrong) {
		rv_why_set(why, -RV_EACCESS, "%s", wrong);
		TALLOC_FREE(secret);
	}
	return secret;
}

static const struct rv_secret *of_file(struct ticket_keys *keys)
{
	const char *path = rv_conf_str(conf(keys), "key_file");
	struct rv_why why = { 0 };

	if (!path || keys->looked)
		return keys->file;
	keys->looked = true;
	keys->file = read_secret(keys, path, &why);
	if (!keys->file)
		rv_log(&keys->host->subject, RV_ERROR, "no-ticket-key", KV_STR("file", path), KV_STR("why", why.text),
		       KV_STR("note", "no tickets are given: put the file in order and reload"));
	return keys->file;
}

static const struct rv_secret *of_host(struct ticket_keys *keys)
{
	if (keys->own)
		return keys->own;
	keys->own = rv_secret_new(keys->host->vault, keys, SECRET_MIN);
	if (keys->own)
		rv_host_random(keys->host, keys->own->b, keys->own->len);
	return keys->own;
}

/* 0: tickets are made with it. Others are for what was made with them before. NULL: there is none. */
static const struct rv_secret *secret_at(struct ticket_keys *keys, unsigned nth)
{
	const struct rv_secret *set = rv_conf_secret(conf(keys), nth ? "key_before" : "key");

	if (set && set->len < SECRET_MIN) {
		rv_log(&keys->host->subject, RV_ERROR, "no-ticket-key", KV_STR("key", nth ? "key_before" : "key"),
		       KV_STR("why", "it needs 32 octets at least"));
		return NULL;
	}
	if (set || nth)
		return set;
	return rv_conf_str(conf(keys), "key_file") ? of_file(keys) : of_host(keys);
}

void ticket_keys_reload(struct ticket_keys *keys)
{
	TALLOC_FREE(keys->file);
	keys->looked = false;
}

/* Keys */

static bool prf(const struct ticket_keys *keys, const struct rv_secret *secret, struct rv_bytes label,
		struct rv_bytes more, uint8_t out[static PRF_LEN])
{
	struct rv_service *service = rv_registry_find(keys->host->registry, "prf", "hmac-sha256");
	const struct rv_prf_ops *ops = service ? rv_service_ops(service) : NULL;
	const struct rv_bytes parts[] = { label, more };

	return ops && ops->out_len == PRF_LEN &&
	       !ops->prf(rv_service_self(service), rv_secret_bytes(secret), parts, RV_COUNT(parts), out);
}

/* The key of a secret that begins at start, and its identity. */
static bool derive(const struct ticket_keys *keys, const struct rv_secret *secret, uint32_t start,
		   uint8_t key[static TICKET_KEY_LEN], uint8_t id[static TICKET_KEY_ID_LEN])
{
	uint8_t when[4], print[PRF_LEN];
	struct rv_wr w = rv_wr(when, sizeof(when));

	rv_wr_u32(&w, start);
	if (!prf(keys, secret, RV_STR("Ravelin ticket id"), rv_bytes(NULL, 0), print) ||
	    !prf(keys, secret, RV_STR("Ravelin ticket"), rv_wr_bytes(&w), key))
		return false;
	w = rv_wr(id, TICKET_KEY_ID_LEN);
	rv_wr_put(&w, rv_bytes(print, PRINT_LEN));
	rv_wr_u32(&w, start);
	return true;
}

/* The key that an identity names, when tickets of it may still be alive. */
static const char *find_key(struct ticket_keys *keys, struct rv_bytes id, uint8_t key[static TICKET_KEY_LEN])
{
	uint64_t now = rv_loop_wall_s(keys->host->loop);
	uint64_t lives = seconds(keys, "rotate") + seconds(keys, "lifetime") + SKEW_S;
	struct rv_rd r = rv_rd(id);
	uint32_t start;

	(void)rv_rd_take(&r, PRINT_LEN);
	start = rv_rd_u32(&r);
	if (start > now + SKEW_S || start + lives < now)
		return "its key is too old";
	for (unsigned i = 0; i < N_SECRETS; i++) {
		const struct rv_secret *secret = secret_at(keys, i);
		uint8_t own[TICKET_KEY_ID_LEN];

		if (secret && derive(keys, secret, start, key, own) && rv_equal_secret(rv_bytes(own, sizeof(own)), id))
			return NULL;
	}
	return "its key is not known here";
}

/* Tickets */

static uint8_t *join(const void *parent, struct rv_bytes front, struct rv_bytes sealed, size_t *len)
{
	uint8_t *all = talloc_size(parent, front.len + sealed.len);

	if (!all)
		return NULL;
	struct rv_wr w = rv_wr(all, front.len + sealed.len);

	rv_wr_put(&w, front);
	rv_wr_put(&w, sealed);
	*len = rv_wr_len(&w);
	return all;
}

/* What is authenticated besides: what it is for, and the front. */
static struct rv_bytes info_of(struct rv_bytes front, uint8_t room[static sizeof(INFO) + TICKET_FRONT_LEN])
{
	struct rv_wr w = rv_wr(room, sizeof(INFO) + TICKET_FRONT_LEN);

	rv_wr_put(&w, RV_STR(INFO));
	rv_wr_put(&w, front);
	return rv_wr_bytes(&w);
}

uint8_t *ticket_seal(struct ticket_keys *keys, const void *parent, const struct ticket_content *content, size_t *len)
{
	const struct rv_secret *secret = secret_at(keys, 0);
	uint64_t now = rv_loop_wall_s(keys->host->loop), rotate = seconds(keys, "rotate");
	struct rv_pack *pack = secret ? rv_pack_new(NULL) : NULL;
	uint8_t front[TICKET_FRONT_LEN], info[sizeof(INFO) + TICKET_FRONT_LEN], id[TICKET_KEY_ID_LEN];
	RV_WIPED(uint8_t, key, [TICKET_KEY_LEN]);
	struct rv_wr w = rv_wr(front, sizeof(front));
	struct rv_bytes plain;
	uint8_t *sealed = NULL, *ticket = NULL;
	size_t n = 0;

	if (pack && derive(keys, secret, (uint32_t)(now - now % rotate), key, id)) {
		rv_wr_u8(&w, 1);
		rv_wr_zero(&w, 3);
		rv_wr_put(&w, rv_bytes(id, sizeof(id)));
		ticket_content_write(pack, content);
		if (rv_pack_done(pack, &plain))
			sealed = rv_pack_seal(keys->host->core, pack, rv_bytes(key, sizeof(key)),
					      info_of(rv_wr_bytes(&w), info), plain, &n);
		if (sealed)
			ticket = join(parent, rv_wr_bytes(&w), rv_bytes(sealed, n), len);
	}
	talloc_free(pack);
	return ticket;
}

const char *ticket_open(struct ticket_keys *keys, const void *parent, struct rv_bytes ticket,
			struct ticket_content *content, void **room)
{
	uint8_t info[sizeof(INFO) + TICKET_FRONT_LEN];
	RV_WIPED(uint8_t, key, [TICKET_KEY_LEN]);
	struct rv_bytes id, sealed;
	const char *why;
	uint8_t *plain;
	size_t n = 0;

	*room = NULL;
	if (!ticket_front_read(ticket, &id, &sealed))
		return "it is no ticket of ours";
	why = find_key(keys, id, key);
	if (why)
		return why;
	plain = rv_pack_unseal(keys->host->core, parent, rv_bytes(key, sizeof(key)),
			       info_of(rv_bytes(ticket.p, TICKET_FRONT_LEN), info), sealed, &n);
	if (!plain)
		return "it is not authentic";
	*room = plain;
	if (ticket_content_read(plain, rv_bytes(plain, n), content))
		return NULL;
	TALLOC_FREE(*room);
	return "it cannot be read";
}
