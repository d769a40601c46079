// SPDX-License-Identifier: LGPL-2.1-or-later
/* ops.h: what the files of crypto-ipsecmb share.
 *
 * A manager of libipsec-mb belongs to one thread, contexts belong to SAs. So a context holds keys only, and
 * each thread that computes has a manager of its own: made at its first use, freed when the thread ends or the plugin
 * goes. Functions of the library that keep nothing between calls (GCM, GMAC, key expansion) are called through the
 * plugin's own manager by any thread.
 */
#pragma once

#define NO_COMPAT_IMB_API_053 /* its short old names */
#include <intel-ipsec-mb.h>
#include <known-answers.h>
#include <pthread.h>
#include <ravelin/crypto.h>

struct rv_host;

/* MB_MAX_LEN: the lanes of the library count octets of a text in 16 bits. MB_LONGEST: of a message, since AH covers
 * whole packets of IPv6 and the high half of their numbers. */
enum { MB_BURST = 64, MB_MAX_LEN = 65534, MB_LONGEST = 65600, MB_NONCE = 12, MB_FRONT = 128, MB_AES = 16 };

/* The plugin's state, which hangs on the host. */
struct mb {
	IMB_MGR *shared;      /* all threads: its functions; one thread's queue, since it is 200 KB large */
	bool queued;	      /* it has that thread */
	pthread_key_t key;    /* of this thread's struct mb_thread */
	pthread_mutex_t lock; /* of threads and queued */
	struct mb_thread *threads;
};

/* One thread's manager, and where it lays jobs out. */
struct mb_thread {
	struct mb *mb;
	struct mb_thread *next, **link;
	IMB_MGR *manager;
	IMB_JOB jobs[MB_BURST];
	uint8_t nonce[MB_BURST][MB_NONCE + 4];
	/* messages that come in parts, or are long: behind a block of their hash, and in front of padding */
	uint8_t scratch[MB_FRONT + MB_LONGEST + MB_AES];
};

/* The state, with the plugin's own manager. 0, -ENOMEM, or -RV_EFAILED when the library cannot be set up. */
int mb_new(struct rv_host *host, struct mb **out);

/* Of the calling thread. NULL: out of memory. */
struct mb_thread *mb_thread(struct mb *mb);

/* Jobs of the manager's queue for n (at most MB_BURST) operations, and their end: all are computed when it returns.
 * False when the library failed. */
bool mb_queue(struct mb_thread *thread, IMB_JOB **jobs, size_t n);
bool mb_drain(struct mb_thread *thread, IMB_JOB **jobs, size_t n);

/* Offers every service of a kind. 0, or what the registry said. */
int mb_offer_aeads(struct rv_host *host, struct mb *mb);
int mb_offer_chained(struct rv_host *host, struct mb *mb);
int mb_offer_ciphers(struct rv_host *host, struct mb *mb);
int mb_offer_macs(struct rv_host *host, struct mb *mb);
