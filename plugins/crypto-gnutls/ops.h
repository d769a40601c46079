// SPDX-License-Identifier: LGPL-2.1-or-later
/* ops.h: what the files of crypto-gnutls share.
 *
 * The self of a service is a number of GnuTLS put into a pointer (for a mac with the length of its ICV): there is
 * nothing to own. A context that the caller holds is the handle of GnuTLS, which is a pointer to heap of its own;
 * crypto-gnutls.md says how much.
 */
#pragma once

#include <known-answers.h>
#include <ravelin/crypto.h>

struct rv_host;

/* Offers every service of a kind. 0, or what the registry said. */
int gnutls_offer_hashes(struct rv_host *host);
int gnutls_offer_prfs(struct rv_host *host);
int gnutls_offer_macs(struct rv_host *host);
int gnutls_offer_ciphers(struct rv_host *host);
int gnutls_offer_aeads(struct rv_host *host);
int gnutls_offer_rng(struct rv_host *host);
int gnutls_offer_signs(struct rv_host *host);

/* What a function of GnuTLS returned, as the core counts errors: 0, -ENOMEM or -RV_EFAILED. */
int gnutls_result(int code);
