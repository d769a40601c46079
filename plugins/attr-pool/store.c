// SPDX-License-Identifier: LGPL-2.1-or-later
/* store: leases in a database, so that they survive a restart. Reading and writing are jobs, one at a time.
 *
 * What is in memory counts; the database follows it. When it cannot be written that is said once, and lending goes on.
 */
#include "attr-pool.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 2000, BATCH = 4096 };

static const char schema[] = "CREATE TABLE IF NOT EXISTS lease (pool TEXT, addr BLOB, id_type INTEGER, id BLOB, "
			     "at INTEGER, PRIMARY KEY (pool, addr)) WITHOUT ROWID";
static const char select_all[] = "SELECT pool, addr, id_type, id, at FROM lease ORDER BY at";
static const char upsert[] = "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?, ?)";

struct row {
	const char *pool;
	struct rv_addr addr;
	struct rv_id *id;
	uint64_t at_s;
};

/* What a job works on: a talloc root. */
struct batch {
	char *path;
	struct row *rows;
	size_t n;
	char error[256];
};

static int fail(struct batch *b, sqlite3 *db)
{
	snprintf(b->error, sizeof(b->error), "%s: %s", b->path, db ? sqlite3_errmsg(db) : "out of memory");
	return -EIO;
}

static sqlite3 *open_db(struct batch *b)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL) ==
		    SQLITE_OK &&
	    sqlite3_busy_timeout(db, BUSY_MS) == SQLITE_OK && sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK)
		return db;
	(void)fail(b, db);
	sqlite3_close(db);
	return NULL;
}

static bool bind(sqlite3_stmt *put, const struct row *row)
{
	return sqlite3_bind_text(put, 1, row->pool, -1, SQLITE_STATIC) == SQLITE_OK &&
	       sqlite3_bind_blob(put, 2, row->addr.ip, (int)rv_family_len(row->addr.family), SQLITE_STATIC) ==
		       SQLITE_OK &&
	       sqlite3_bind_int(put, 3, row->id->type) == SQLITE_OK &&
	       sqlite3_bind_blob(put, 4, row->id->b, row->id->len, SQLITE_STATIC) == SQLITE_OK &&
	       sqlite3_bind_int64(put, 5, (sqlite3_int64)row->at_s) == SQLITE_OK;
}

static int write_rows(struct batch *b, sqlite3 *db)
{
	sqlite3_stmt *put = NULL;
	bool ok = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
		  sqlite3_prepare_v2(db, upsert, -1, &put, NULL) == SQLITE_OK;

	for (size_t i = 0; ok && i < b->n; i++)
		ok = bind(put, &b->rows[i]) && sqlite3_step(put) == SQLITE_DONE && sqlite3_reset(put) == SQLITE_OK;
	sqlite3_finalize(put);
	if (ok)
		ok = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	return ok ? 0 : fail(b, db);
}

static int run_write(void *data)
{
	struct batch *b = data;
	sqlite3 *db = open_db(b);
	int r = db ? write_rows(b, db) : -EIO;

	sqlite3_close(db);
	return r;
}

/* A row of the table; one that cannot be a lease is left out. */
static bool take_row(struct batch *b, sqlite3_stmt *get)
{
	const char *pool = (const char *)sqlite3_column_text(get, 0);
	size_t len = (size_t)sqlite3_column_bytes(get, 1), id_len = (size_t)sqlite3_column_bytes(get, 3);
	const void *ip = sqlite3_column_blob(get, 1), *id = sqlite3_column_blob(get, 3);
	struct row row = { .addr.family = len == 4 ? RV_IPV4 : len == 16 ? RV_IPV6 : 0 };

	if (!pool || !row.addr.family)
		return true;
	struct row *more = talloc_realloc(b, b->rows, struct row, b->n + 1);

	if (!more)
		return false;
	b->rows = more;
	memcpy(row.addr.ip, ip, len);
	row.at_s = (uint64_t)sqlite3_column_int64(get, 4);
	row.pool = talloc_strdup(b, pool);
	row.id = rv_id_from_wire(b, (uint8_t)sqlite3_column_int(get, 2), rv_bytes(id, id_len));
	if (row.pool && row.id)
		b->rows[b->n++] = row;
	return row.pool != NULL;
}

static int run_read(void *data)
{
	struct batch *b = data;
	sqlite3 *db = open_db(b);
	sqlite3_stmt *get = NULL;
	int r = db ? 0 : -EIO, step = SQLITE_DONE;

	if (!r && sqlite3_prepare_v2(db, select_all, -1, &get, NULL) != SQLITE_OK)
		r = fail(b, db);
	while (!r && (step = sqlite3_step(get)) == SQLITE_ROW)
		r = take_row(b, get) ? 0 : fail(b, NULL);
	if (!r && step != SQLITE_DONE)
		r = fail(b, db);
	sqlite3_finalize(get);
	sqlite3_close(db);
	return r;
}

static void complain(struct pools *pools, const struct batch *b)
{
	rv_log(&pools->host->subject, RV_WARN, "leases-not-kept", KV_STR("error", b->error),
	       KV_STR("note", "addresses are lent as usual, but not remembered after a restart"));
}

static struct batch *batch_new(const struct pools *pools)
{
	struct batch *b = talloc_zero(NULL, struct batch);

	if (b)
		b->path = talloc_strdup(b, pools->path);
	if (b && !b->path)
		TALLOC_FREE(b);
	return b;
}

/* Leases of a pool that the configuration does not have (yet) wait in a pool without addresses. */
static void remember(struct pools *pools, const struct row *row)
{
	struct pool *pool = pools_find(pools, row->pool);

	if (!pool) {
		pool = pool_new(pools, row->pool, NULL, row->addr.family, false);
		if (!pool)
			return;
		rv_list_add(&pools->all, &pool->entry);
	}
	struct lease *lease = pool_keep(pool, row->id, &row->addr, false);

	if (lease) {
		lease->at_s = row->at_s;
		lease->dirty = false;
	}
}

static void was_read(void *owner, int result, void *data)
{
	struct pools *pools = owner;
	struct batch *b = data;

	pools->job = NULL;
	if (result)
		complain(pools, b);
	if (result)
		TALLOC_FREE(pools->path);
	for (size_t i = 0; i < b->n; i++)
		remember(pools, &b->rows[i]);
	rv_log(&pools->host->subject, RV_INFO, "leases-read", KV_UINT("leases", b->n));
	pools_loaded(pools);
}

int store_load(struct pools *pools)
{
	struct batch *b = pools->path ? batch_new(pools) : NULL;

	if (!pools->path) {
		pools->loaded = true;
		return 0;
	}
	if (b)
		pools->job = rv_job_start(pools->host, b, run_read, pools, was_read, NULL);
	if (!pools->job)
		talloc_free(b);
	return pools->job ? 0 : -ENOMEM;
}

static bool add_row(struct batch *b, struct lease *lease)
{
	struct row *more = talloc_realloc(b, b->rows, struct row, b->n + 1);
	struct row row = { .addr = lease->addr, .at_s = lease->at_s };

	if (!more)
		return false;
	b->rows = more;
	row.pool = talloc_strdup(b, lease->pool->name);
	row.id = talloc_memdup(b, lease->id, sizeof(*lease->id) + lease->id->len);
	if (!row.pool || !row.id)
		return false;
	b->rows[b->n++] = row;
	return true;
}

static void gather_list(struct rv_list *list, struct batch *b)
{
	rv_list_each (list, lease, struct lease, entry) {
		if (b->n >= BATCH || !lease->dirty || !add_row(b, lease))
			continue;
		lease->dirty = false;
		lease->writing = true;
	}
}

static struct batch *gather(struct pools *pools)
{
	struct batch *b = batch_new(pools);

	rv_list_each (&pools->all, pool, struct pool, entry) {
		if (!b)
			break;
		gather_list(&pool->online, b);
		gather_list(&pool->offline, b);
	}
	if (b && !b->n)
		TALLOC_FREE(b);
	return b;
}

/* done: else what was on its way is to be written again. */
static void settle(struct pools *pools, bool done)
{
	rv_list_each (&pools->all, pool, struct pool, entry) {
		struct rv_list *const lists[] = { &pool->online, &pool->offline };

		for (size_t i = 0; i < RV_COUNT(lists); i++) {
			rv_list_each (lists[i], lease, struct lease, entry) {
				lease->dirty |= lease->writing && !done;
				lease->writing = false;
			}
		}
	}
}

static void was_written(void *owner, int result, void *data)
{
	struct pools *pools = owner;

	pools->job = NULL;
	settle(pools, !result);
	if (!result) {
		store_save(pools);
		return;
	}
	complain(pools, data);
	TALLOC_FREE(pools->path);
}

void store_save(struct pools *pools)
{
	struct batch *b = pools->path && !pools->job && pools->loaded ? gather(pools) : NULL;

	if (!b)
		return;
	pools->job = rv_job_start(pools->host, b, run_write, pools, was_written, NULL);
	if (pools->job)
		return;
	settle(pools, false);
	talloc_free(b);
}

void store_end(struct pools *pools)
{
	struct batch *b;

	rv_job_cancel(pools->job);
	pools->job = NULL;
	settle(pools, false);
	while (pools->path && pools->loaded && (b = gather(pools))) {
		if (run_write(b)) {
			complain(pools, b);
			TALLOC_FREE(pools->path);
		}
		talloc_free(b);
	}
}
