// SPDX-License-Identifier: LGPL-2.1-or-later
/* engine: from a datagram to its exchange (RFC 7296, 2.1 to 2.5, 2.21, 3.1).
 *
 * The order is fixed: header and window, then integrity, then the pure parse, then the payload sets, and only then does
 * any step run. What is not authentic changes nothing and is answered, if at all, without state and at a limited rate.
 */
#include "exchange.h"

#include "explain.h"
#include "init.h"
#include "octets/notify.h"
#include "protect.h"
#include "requests.h"
#include "window.h"

#include <errno.h>
#include <string.h>

enum { ERRORS_PER_S = 20, HINT_US = 10 * 1000000 };

/* What may stand in a message once only (RFC 7296, 1.2, 1.3). */
static const uint8_t once[] = { IKE_PAYLOAD_SA,	   IKE_PAYLOAD_KE,  IKE_PAYLOAD_IDI, IKE_PAYLOAD_IDR, IKE_PAYLOAD_AUTH,
				IKE_PAYLOAD_NONCE, IKE_PAYLOAD_TSI, IKE_PAYLOAD_TSR, IKE_PAYLOAD_EAP };

bool ike_rate_ok(struct ike_engine *engine, struct ike_rate *rate, uint32_t per_second)
{
	uint64_t now = rv_loop_now_us(engine->host->loop);

	if (!rate->at_us || now - rate->at_us >= RV_S(1)) {
		rate->at_us = now;
		rate->tokens = per_second;
	}
	if (!rate->tokens)
		return false;
	rate->tokens--;
	return true;
}

/* RFC 7296, 1.5: "The message is a response message ... sent to the IP address and port from whence it came with the
 * same IKE SPIs and the Message ID and Exchange Type are copied from the request." */
void ike_reply(struct ike_port *port, const struct rv_path *path, const struct ike_header *request,
	       const struct ike_builder *payloads)
{
	struct ike_header header = *request;
	uint8_t out[192];
	size_t len;

	header.major = IKE_MAJOR;
	header.minor = 0;
	header.flags = (uint8_t)(IKE_FLAG_RESPONSE | (request->flags & IKE_FLAG_INITIATOR ? 0 : IKE_FLAG_INITIATOR));
	if (!ike_message_write(&header, payloads, out, sizeof(out), &len))
		(void)port->ops->send(port->self, path, rv_bytes(out, len));
}

void ike_reply_notify(struct ike_port *port, const struct rv_path *path, const struct ike_header *request,
		      uint16_t type, struct rv_bytes data)
{
	uint8_t room[128];
	struct ike_builder b;

	ike_builder_init(&b, room, sizeof(room));
	ike_notify_put(&b, type, data);
	ike_reply(port, path, request, &b);
}

/* The body of every payload has its form, and what may stand once stands once. */
static bool well_formed(const struct ike_chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++)
		if (!ike_payload_valid(chain->p[i].type, chain->p[i].body))
			return false;
	for (unsigned i = 0; i < RV_COUNT(once); i++)
		if (ike_chain_count(chain, once[i]) > 1)
			return false;
	return true;
}

/* Reads the payloads of an authentic message into x; what is wrong with them becomes x's veto (RFC 7296, 2.5, 2.21). */
static void read_payloads(struct rv_ike_exchange *x, int r)
{
	uint8_t refused = x->chain.refused;

	if (r == -RV_ECRITICAL)
		(void)ike_refuse(x, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD, rv_bytes(&refused, 1), r,
				 "payload type %u is critical and not known here", refused);
	else if (r || !well_formed(&x->chain))
		(void)ike_refuse(x, IKE_N_INVALID_SYNTAX, rv_bytes(NULL, 0), -RV_ESYNTAX, "%s could not be parsed",
				 ike_exchange_name(x->type));
}

/* An authentic message's payloads are x's. */
static void take_plain(struct rv_ike_exchange *x, const struct rv_ike_plain *plain)
{
	talloc_free(x->body);
	x->body = talloc_steal(x, plain->owner);
	x->message = plain->payloads;
	x->veto = 0;
	ike_ext_seen(x, plain);
	read_payloads(x, ike_chain_read(&x->chain, plain->first, plain->payloads, &x->sa->engine->types));
}

static void forged(struct rv_ike_sa *sa, int error)
{
	struct rv_subject subject = ike_subject(sa);

	if (ike_rate_ok(sa->engine, &sa->engine->logs, 5))
		rv_log(&subject, RV_INFO, "message-dropped", KV_STR("why", rv_error_text(error)));
}

static struct rv_ike_exchange *new_answer(struct rv_ike_sa *sa, const struct rv_path *path,
					  const struct ike_header *header)
{
	struct rv_ike_exchange *x = ike_exchange_new(sa, IKE_ANSWERING);

	if (!x)
		return NULL;
	x->header = *header;
	x->type = header->exchange;
	x->id = header->id;
	x->path = *path;
	return x;
}

/* RFC 7296, 2.1: a request that was answered is answered again, with the same octets. */
static void answer_again(struct rv_ike_sa *sa, const struct rv_path *path, const struct ike_header *header,
			 struct rv_bytes octets)
{
	const struct ike_response *response = ike_window_find(sa, header->id);
	struct ike_message message;
	struct rv_ike_plain plain;

	if (!response)
		return;
	if (response->digest == ike_digest(octets)) {
		ike_send_list(sa, path, rv_bytes(response->octets, response->len));
		return;
	}
	/* the same bit for bit, or in the form of an extension, which then knows it again */
	if (ike_message_read(&message, octets, &sa->engine->types) || !message.sealed ||
	    message.sealed == IKE_PAYLOAD_SK)
		return;
	if (!ike_unprotect(sa, &message, true, &plain)) {
		talloc_free(plain.owner);
		ike_send_list(sa, path, rv_bytes(response->octets, response->len));
	}
}

/* It is not known yet, and there is room for it: its turn now, or in the window that we promised. */
static bool may_take(const struct rv_ike_sa *sa, enum ike_arrival arrival, uint32_t id)
{
	if (arrival == IKE_ARRIVAL_NEW)
		return !sa->serving;
	return arrival == IKE_ARRIVAL_EARLY && !ike_ahead_has(sa, id);
}

static bool payload_of(const struct rv_ike_outer *request, uint8_t type, struct rv_bytes *body)
{
	const struct ike_payload *p = ike_chain_first(request->arg, type);

	if (p)
		*body = p->body;
	return p != NULL;
}

/* Whether a request of somebody who is not authenticated yet is worth opening. */
static bool may_open(struct rv_ike_sa *sa, const struct ike_message *message)
{
	const struct rv_ike_outer outer = { .exchange = message->header.exchange,
					    .arg = &message->chain,
					    .payload = payload_of };

	return sa->state != RV_IKE_HALF_OPEN || !ike_ext_admit(sa, &outer);
}

static void take_request(struct rv_ike_sa *sa, const struct rv_path *path, const struct ike_header *header,
			 struct rv_bytes octets)
{
	enum ike_arrival arrival = ike_window_judge(sa->next_in, header->id, ike_window_in(sa));
	struct ike_message message;
	struct rv_ike_plain plain;
	struct rv_ike_exchange *x;
	int r;

	if (arrival == IKE_ARRIVAL_AGAIN)
		answer_again(sa, path, header, octets);
	if (!may_take(sa, arrival, header->id))
		return;
	/* outside the SK payload nothing is authentic: a message that does not parse is dropped */
	if (ike_message_read(&message, octets, &sa->engine->types) || !may_open(sa, &message))
		return;
	r = ike_unprotect(sa, &message, false, &plain);
	if (r < 0)
		forged(sa, r);
	if (r)
		return;
	x = new_answer(sa, path, header);
	if (!x) {
		talloc_free(plain.owner);
		return;
	}
	take_plain(x, &plain);
	x->digest = plain.digest;
	sa->last_in_us = rv_loop_now_us(sa->engine->host->loop);
	ike_path_follow(sa, path);
	ike_explain_message(x, false, NULL, path, octets.len);
	if (arrival == IKE_ARRIVAL_EARLY)
		ike_ahead_put(x);
	else
		ike_exchange_answer(x);
}

/* A request of ours that is out asks already; so does nothing within some seconds of the peer's last sign of life. */
bool ike_may_hint(const struct rv_ike_sa *sa)
{
	return sa->state == RV_IKE_ESTABLISHED && rv_list_empty(&sa->requests) &&
	       rv_loop_now_us(sa->engine->host->loop) - sa->last_in_us > HINT_US;
}

/* RFC 7296, 2.21.4: an unprotected complaint is "a hint that there might be problems" and worth a liveness check */
static void hint(struct rv_ike_sa *sa, const struct ike_message *message, struct rv_ike_exchange *x)
{
	struct ike_notify notify;
	const struct ike_payload *p = ike_chain_first(&message->chain, IKE_PAYLOAD_NOTIFY);

	if (!p || !ike_notify_read(&notify, p->body) || !ike_notify_is_error(notify.type))
		return;
	if (x && sa->hs && !sa->hs->noted) {
		sa->hs->noted = notify.type;
		rv_attempt_step(ike_attempt(x), "the peer (or somebody else: it is not protected) says %s",
				ike_notify_name(notify.type) ? ike_notify_name(notify.type) : "an error");
	}
	if (ike_may_hint(sa))
		(void)ike_liveness(sa);
}

/* What anybody may have said of an established IKE SA without protection, which an extension may be able to prove. True
 * when that was all of it; sa may be gone. */
static bool heard(struct rv_ike_sa *sa, const struct rv_path *path, const struct ike_header *header,
		  struct rv_bytes octets)
{
	struct ike_message message;
	int r = 0;

	if (sa->state < RV_IKE_ESTABLISHED || ike_types_last(&sa->engine->types, header->next) ||
	    ike_message_read(&message, octets, &sa->engine->types) || message.sealed)
		return false;
	ike_chain_each(&message.chain, p, IKE_PAYLOAD_NOTIFY)
	{
		struct ike_notify notify;

		if (!r && ike_notify_read(&notify, p->body))
			r = ike_ext_unprotected(sa, path, notify.type, notify.data);
	}
	if (r < 0)
		ike_sa_end(sa, r, "the peer has lost the IKE SA and proved it");
	return r != 0;
}

static struct rv_ike_exchange *awaited(struct rv_ike_sa *sa, const struct ike_header *header)
{
	rv_list_each (&sa->requests, x, struct rv_ike_exchange, entry)
		if (x->phase == IKE_WAITING && x->id == header->id && x->type == header->exchange)
			return x;
	return NULL;
}

static void take_response(struct rv_ike_sa *sa, const struct rv_path *path, const struct ike_header *header,
			  struct rv_bytes octets)
{
	struct rv_ike_exchange *x = awaited(sa, header);
	struct ike_message message;
	struct rv_ike_plain plain;
	int r;

	if (!x && !ike_may_hint(sa))
		return;
	r = ike_message_read(&message, octets, &sa->engine->types);
	if (!x) {
		if (!r && !message.sealed)
			hint(sa, &message, NULL);
		return;
	}
	if (r)
		return;
	if (ike_is_first(x)) {
		talloc_free(x->body);
		x->body = talloc_memdup(x, octets.p, octets.len);
		x->message = rv_bytes(x->body, x->body ? octets.len : 0);
		if (!x->message.len || ike_message_read(&message, x->message, &sa->engine->types))
			return;
		x->chain = message.chain;
		x->veto = 0;
		read_payloads(x, 0);
	} else {
		if (!message.sealed) {
			hint(sa, &message, x);
			return;
		}
		r = ike_unprotect(sa, &message, false, &plain);
		if (r < 0)
			forged(sa, r);
		if (r)
			return;
		take_plain(x, &plain);
		sa->last_in_us = rv_loop_now_us(sa->engine->host->loop);
		ike_path_follow(sa, path);
	}
	x->header = *header;
	x->path = *path;
	ike_explain_message(x, false, NULL, path, octets.len);
	ike_exchange_read(x);
}

/* The exchange that an IKE SA begins with, or one that an extension has for that. */
static bool is_first(const struct ike_engine *engine, uint8_t exchange)
{
	return exchange == IKE_EXCHANGE_IKE_SA_INIT || ike_ext_opens(engine, exchange);
}

/* The peer may use a successor that it has already made before its answer is here. */
static bool is_pending(const struct ike_engine *engine, const struct ike_header *header)
{
	for (const struct rv_list *e = engine->pending.next; e != &engine->pending; e = e->next) {
		uint64_t spi = rv_container_of(e, struct rv_ike_exchange, pending)->spi;

		if (spi == header->spi_i || spi == header->spi_r)
			return true;
	}
	return false;
}

/* A request of an IKE SA that we have, with the Initiator flag turned over, or are about to have: whoever says that we
 * do not know it would lie (RFC 7296, 3.1). One that begins an IKE SA has no SPI of ours yet. */
static bool ours(const struct ike_port *port, const struct ike_header *header)
{
	return (header->spi_r || !is_first(port->engine, header->exchange)) &&
	       (ike_sas_find(port->engine, header->spi_i) || ike_sas_find(port->engine, header->spi_r) ||
		is_pending(port->engine, header));
}

/* A message for which there is no IKE SA. */
static void take_stray(struct ike_port *port, const struct rv_path *path, const struct ike_header *header,
		       struct rv_bytes octets)
{
	struct ike_engine *engine = port->engine;
	struct ike_message message;
	int r;

	if (header->flags & IKE_FLAG_RESPONSE || ike_ghost_answer(port, header, path, octets) || ours(port, header) ||
	    ike_unknown_heard(engine, path, header, octets) || ike_ext_datagram(port, path, header, octets))
		return;
	bool first = is_first(engine, header->exchange);

	if (!first || header->spi_r) {
		/* RFC 7296, 2.21.4: a response "MUST contain an INVALID_IKE_SPI Notify payload" */
		if (!first && header->spi_r && ike_rate_ok(engine, &engine->errors, ERRORS_PER_S))
			ike_reply_notify(port, path, header, IKE_N_INVALID_IKE_SPI, rv_bytes(NULL, 0));
		return;
	}
	if (header->id || !header->spi_i || !(header->flags & IKE_FLAG_INITIATOR) || engine->stopping)
		return;
	r = ike_message_read(&message, octets, &engine->types);
	if (!r && !well_formed(&message.chain))
		r = -RV_ESYNTAX;
	if (!r && header->exchange != IKE_EXCHANGE_IKE_SA_INIT)
		ike_known_request(port, path, &message);
	else if (!r)
		ike_init_request(port, path, &message);
	if (!r)
		return;
	if (!ike_rate_ok(engine, &engine->errors, ERRORS_PER_S))
		return;
	if (r == -RV_ECRITICAL)
		ike_reply_notify(port, path, header, IKE_N_UNSUPPORTED_CRITICAL_PAYLOAD,
				 rv_bytes(&message.chain.refused, 1));
	else
		ike_reply_notify(port, path, header, IKE_N_INVALID_SYNTAX, rv_bytes(NULL, 0));
}

void ike_receive(void *arg, const struct rv_path *path, struct rv_bytes octets)
{
	struct ike_port *port = arg;
	struct ike_header header;
	struct rv_ike_sa *sa;
	uint64_t ours, theirs;

	if (!ike_header_read(&header, octets))
		return;
	if (header.major != IKE_MAJOR) {
		/* RFC 7296, 2.5: drop it and say which version would do */
		if (header.major > IKE_MAJOR && !(header.flags & IKE_FLAG_RESPONSE) &&
		    ike_rate_ok(port->engine, &port->engine->errors, ERRORS_PER_S))
			ike_reply_notify(port, path, &header, IKE_N_INVALID_MAJOR_VERSION, rv_bytes(NULL, 0));
		return;
	}
	ours = header.flags & IKE_FLAG_INITIATOR ? header.spi_r : header.spi_i;
	theirs = header.flags & IKE_FLAG_INITIATOR ? header.spi_i : header.spi_r;
	sa = ours ? ike_sas_find(port->engine, ours) : NULL;
	if (!sa) {
		take_stray(port, path, &header, octets);
		return;
	}
	/* the one who sent the first message sets the Initiator flag in all of his (RFC 7296, 3.1) */
	if (sa->initiator == !!(header.flags & IKE_FLAG_INITIATOR) ||
	    (ike_sa_theirs(sa) != theirs && sa->state != RV_IKE_INIT))
		return;
	if (heard(sa, path, &header, octets))
		return;
	if (header.flags & IKE_FLAG_RESPONSE)
		take_response(sa, path, &header, octets);
	else if (header.exchange != IKE_EXCHANGE_IKE_SA_INIT)
		take_request(sa, path, &header, octets);
}
