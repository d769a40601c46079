// SPDX-License-Identifier: LGPL-2.1-or-later
/* error.h: one table of errors, and the sentence that goes with one.
 *
 * Functions that can fail return int: 0 is done; a negative value (-errno or -RV_E...) is fatal to the call and is
 * forwarded unchanged; a positive value is an answer that the function documents. RV_PENDING is such an answer: the
 * result comes later through the struct rv_call that was passed. Where a person reads the failure, the function takes
 * a struct rv_why and says what was tried, what was found and what to do.
 */
#pragma once

#include <ravelin/base.h>

enum { RV_PENDING = 1 };

/* X(code, name on D-Bus after org.ravelin.IPsec1.Error., text) */
#define RV_ERRORS(X)                                                                                                   \
	X(FAILED, "Failed", "the operation failed")                                                                    \
	X(CONFIG, "InvalidConfiguration", "the configuration is not valid")                                            \
	X(UNKNOWN_CONNECTION, "UnknownConnection", "no connection has this name")                                      \
	X(UNKNOWN_CHILD, "UnknownChild", "the connection has no child of this name")                                   \
	X(NO_PROVIDER, "NoProvider", "no loaded plugin provides what is needed")                                       \
	X(NO_PROPOSAL, "NoProposalChosen", "the peers have no proposal in common")                                     \
	X(TS_UNACCEPTABLE, "TrafficSelectorsUnacceptable", "the peers agree on no traffic selector")                   \
	X(AUTH_FAILED, "AuthenticationFailed", "authentication failed")                                                \
	X(NO_SECRET, "NoSecret", "no secret is configured for these identities")                                       \
	X(UNKNOWN_PEER, "UnknownPeer", "no connection matches this peer")                                              \
	X(TIMEOUT, "Timeout", "the peer did not answer in time")                                                       \
	X(SYNTAX, "InvalidSyntax", "a message could not be parsed")                                                    \
	X(CRITICAL, "UnsupportedCriticalPayload", "a message has a critical payload that is not known here")           \
	X(INTEGRITY, "IntegrityCheckFailed", "an integrity check failed")                                              \
	X(REPLAY, "Replayed", "a message was seen before")                                                             \
	X(STATE, "WrongState", "this is not possible in the present state")                                            \
	X(IN_USE, "InUse", "it is in use")                                                                             \
	X(PLUGIN, "PluginRefused", "the plugin was refused")                                                           \
	X(NOT_LOADED, "NotLoaded", "no plugin of this name is loaded")                                                 \
	X(EXISTS, "AlreadyExists", "it exists already")                                                                \
	X(LIMIT, "LimitReached", "a configured limit is reached")                                                      \
	X(KEY_VALUE, "InvalidPublicValue", "a public key exchange value failed its test")                              \
	X(FORBIDDEN, "AlgorithmForbidden", "a standard forbids this algorithm")                                        \
	X(SELF_TEST, "SelfTestFailed", "a known-answer test failed")                                                   \
	X(CANCELLED, "Cancelled", "the operation was cancelled")                                                       \
	X(PEER_GONE, "PeerGone", "the peer deleted the SA")                                                            \
	X(REFUSED, "RefusedByPeer", "the peer refused the request")                                                    \
	X(ACCESS, "AccessDenied", "you may not do this")                                                               \
	X(VERSION, "WrongVersion", "the version does not match")                                                       \
	X(NO_ADDRESS, "NoAddress", "the name has no address, or could not be looked up")

enum rv_error {
	RV_ERROR_BASE = 0x4000,
#define X(code, name, text) RV_E##code,
	RV_ERRORS(X)
#undef X
		RV_ERROR_END
};

/* A failure in words. text is NUL-terminated, escaped for a terminal, and never holds a secret. */
struct rv_why {
	int code;
	char text[4096];
};

/* Fills why (which may be NULL) and returns code, so that `return rv_why_set(why, -RV_E..., ...)` reads well. An
 * already filled why is kept behind the new text, parted by ": ". Any thread. */
int rv_why_set(struct rv_why *why, int code, const char *fmt, ...) RV_PRINTF(3, 4);

/* The text of code: of -errno from libc, of -RV_E... from the table. Static storage; never NULL. */
const char *rv_error_text(int code);

/* The last part of the D-Bus error name of code, such as "NoProposalChosen"; "Failed" for an errno. Static. */
const char *rv_error_name(int code);
