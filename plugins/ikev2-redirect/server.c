// SPDX-License-Identifier: LGPL-2.1-or-later
/* server: which clients a gateway sends on, and where to (RFC 5685, 3, 5 and 6).
 *
 * By address or by load in answer to IKE_SA_INIT, without state; by identity in IKE_AUTH, when the client has proved it
 * ("redirection based on unauthenticated IDs should be avoided"), and there, too, whom IKE_SA_INIT could not tell or
 * the load has overtaken since; by an operator in an active session.
 */
#include "redirect.h"

#include <errno.h>
#include <ravelin/bus.h>
#include <ravelin/error.h>
#include <ravelin/keying.h>
#include <string.h>

/* The policy */

struct look {
	const struct rv_addr *addr; /* or */
	const struct rv_id *id;
	const char *gateway;
};

static bool holds(const char *const *list, const struct rv_addr *addr)
{
	for (; *list; list++) {
		struct rv_ts ts;
		if (!rv_ts_parse(&ts, *list, NULL) && ts.family && rv_ts_match(&ts, addr->family, addr->ip, 0, 0, true))
			return true;
	}
	return false;
}

static int look_at(const char *name, const struct rv_conf *rule, void *arg)
{
	struct look *look = arg;
	const char *id = rv_conf_str(rule, "id");
	struct rv_id *pattern = id && look->id ? rv_id_parse(NULL, id, NULL) : NULL;
	bool fits = look->addr ? !id && holds(rv_conf_list(rule, "addresses"), look->addr)
			       : pattern && rv_id_match(pattern, look->id);

	talloc_free(pattern);
	if (fits)
		look->gateway = rv_conf_str(rule, "gateway");
	return fits;
}

static const char *by_rules(struct redirect *redirect, struct look look)
{
	rv_conf_each(rv_conf_section(rv_host_conf(redirect->host), "rules"), look_at, &look);
	return look.gateway;
}

static const char *by_load(struct redirect *redirect)
{
	const struct rv_conf *conf = rv_host_conf(redirect->host);
	const char *const *gateways = rv_conf_list(conf, "gateways");
	int64_t most = rv_conf_int(conf, "max_sessions");
	unsigned n = 0;

	if (!most || redirect->n_sessions < most)
		return NULL;
	while (gateways[n])
		n++;
	return n ? gateways[redirect->turn++ % n] : NULL;
}

static const char *by_address(struct redirect *redirect, const struct rv_addr *addr)
{
	const char *to = by_rules(redirect, (struct look){ .addr = addr });

	return to ? to : by_load(redirect);
}

/* IKE_SA_INIT */

enum { LOGS_PER_S = 10 };

/* Requests come from anybody, and as many as he likes. */
static void tell_sent_on(struct redirect *redirect, const struct rv_addr *client, const char *to)
{
	uint64_t now = rv_loop_now_us(redirect->host->loop);

	if (!redirect->log_at_us || now - redirect->log_at_us >= RV_S(1)) {
		redirect->log_at_us = now;
		redirect->logs = 0;
	}
	if (redirect->logs++ < LOGS_PER_S)
		rv_log(&redirect->host->subject, RV_INFO, "client-sent-on", KV_ADDR("client", client), KV_STR("to", to),
		       KV_STR("in", "IKE_SA_INIT"));
}

int server_datagram(void *self, const struct rv_ike_datagram *datagram)
{
	struct redirect *redirect = self;
	struct init_request request;
	uint8_t room[28 + 8 + REDIRECT_MAX];

	if (datagram->exchange != IKE_SA_INIT || !init_request_read(datagram->message, &request) || !request.supported)
		return 0;

	const char *to = by_address(redirect, &datagram->path->remote);
	struct rv_bytes answer = to ? init_answer_write(&request, to, room, sizeof(room)) : rv_bytes(NULL, 0);

	if (!answer.len)
		return 0;
	tell_sent_on(redirect, &datagram->path->remote, to);
	datagram->reply(datagram, answer);
	return 1;
}

/* Sessions */

static int client_gone(struct client *client)
{
	rv_timer_cancel(&client->timer);
	return 0;
}

static void stayed(struct rv_timer *timer)
{
	struct client *client = rv_container_of(timer, struct client, timer);
	struct rv_service *keying = client->peer->keying.service;
	const struct rv_keying_ops *ops = rv_service_ops(keying);

	(void)ops->down(rv_service_self(keying), client->peer);
}

/* "The gateway MUST keep track of those clients that indicated support for the redirect mechanism" */
static int keep_track(struct redirect *redirect, struct rv_peer *peer)
{
	struct client *client = rv_attach(redirect->host, peer, struct client);

	if (!client)
		return -ENOMEM;
	client->redirect = redirect;
	client->peer = peer;
	rv_timer_init(&client->timer, redirect->host->loop, stayed);
	talloc_set_destructor(client, client_gone);
	return 0;
}

int server_init(struct rv_ike_exchange *x, void *self)
{
	struct rv_bytes data;

	if (rv_ike_role(x) != RV_IKE_RESPONDER ||
	    (!rv_ike_notify(x, N_REDIRECT_SUPPORTED, 0, &data) && !rv_ike_notify(x, N_REDIRECTED_FROM, 0, &data)))
		return 0;
	return keep_track(self, rv_ike_peer(rv_ike_sa(x)));
}

static struct client *client_of(struct redirect *redirect, struct rv_peer *peer)
{
	return rv_attached(redirect->host, peer, struct client);
}

/* That a client can be sent on, in a pack */

enum { TAG_CLIENT = 1 };

int server_pack(void *self, struct rv_ike_sa *sa, struct rv_pack *out)
{
	if (client_of(self, rv_ike_peer(sa)))
		rv_pack_u64(out, TAG_CLIENT, 1);
	return 0;
}

int server_unpack(void *self, struct rv_ike_sa *sa, struct rv_unpack *in)
{
	struct rv_bytes value;
	bool client = false;
	uint16_t tag;

	while (rv_unpack_next(in, &tag, &value))
		client = client || (tag == TAG_CLIENT && rv_unpack_u64(in, value));
	if (!rv_unpack_done(in))
		return -RV_ESYNTAX;
	return client ? keep_track(self, rv_ike_peer(sa)) : 0;
}

static bool send_on(struct client *client, const char *gateway, const char *in)
{
	struct redirect *redirect = client->redirect;

	talloc_free(client->to);
	client->to = talloc_strdup(client, gateway);
	if (!client->to || rv_timer_arm(&client->timer, rv_conf_us(rv_host_conf(redirect->host), "linger")))
		return false;
	rv_log(&redirect->host->subject, RV_INFO, "client-sent-on", KV_ADDR("client", &client->peer->path.remote),
	       KV_STR("to", gateway), KV_STR("in", in));
	return true;
}

/* RFC 5685, 6: "it prevents the creation of a CHILD SA and sends the REDIRECT payload in the IKE_AUTH response" */
int server_round(struct redirect *redirect, struct rv_ike_exchange *x)
{
	struct rv_peer *peer = rv_ike_peer(rv_ike_sa(x));
	struct client *client = client_of(redirect, peer);
	const char *to;

	if (!client || !peer->remote_id || client->to)
		return 0;
	to = by_rules(redirect, (struct look){ .id = peer->remote_id });
	if (!to)
		to = by_address(redirect, &peer->path.remote);
	if (!to)
		return 0;
	if (!send_on(client, to, "IKE_AUTH"))
		return -ENOMEM;
	rv_ike_no_child(x);
	return 0;
}

static int add_redirect(struct rv_ike_exchange *x, const struct client *client)
{
	uint8_t room[REDIRECT_MAX];
	struct rv_bytes data = gateway_write(client->to, rv_bytes(NULL, 0), room);

	return data.len ? rv_ike_add_notify(x, N_REDIRECT, data) : -EINVAL;
}

int server_build(struct rv_ike_exchange *x, void *self)
{
	struct client *client = client_of(self, rv_ike_peer(rv_ike_sa(x)));

	return rv_ike_role(x) == RV_IKE_RESPONDER && client && client->to ? add_redirect(x, client) : 0;
}

static int build_info(struct rv_ike_exchange *x, void *self)
{
	struct client *client = client_of(self, rv_ike_peer(rv_ike_sa(x)));

	return client && client->to ? add_redirect(x, client) : -RV_ECANCELLED;
}

static rv_ike_step_fn *const info_steps[] = { build_info, NULL };
static const struct rv_ike_plan info_plan = { .story = "send the client to another gateway",
					      .exchange = INFORMATIONAL,
					      .build = info_steps };

struct sending {
	struct redirect *redirect;
	const char *to;
	uint32_t n;
};

static int send_one(struct rv_peer *peer, void *arg)
{
	struct sending *sending = arg;
	struct client *client = client_of(sending->redirect, peer);

	if (client && peer->established && peer->sa && send_on(client, sending->to, "session") &&
	    !rv_ike_start(peer->sa, &info_plan, sending->redirect))
		sending->n++;
	return 0;
}

/* D-Bus: a folder with one object, through which an operator sends clients on */

static int call_redirect(void *self, struct rv_bus_in *in, struct rv_bus_out *out, struct rv_why *why)
{
	struct sending sending = { .redirect = self };
	const char *connection = rv_bus_in_str(in);
	uint8_t room[REDIRECT_MAX];

	sending.to = rv_bus_in_str(in);
	if (!gateway_write(sending.to, rv_bytes(NULL, 0), room).len)
		return rv_why_set(why, -RV_ECONFIG, "%s is no address and no name of a gateway", sending.to);
	rv_peer_each(sending.redirect->host->core, connection, send_one, &sending);
	if (!sending.n)
		return rv_why_set(why, -RV_EUNKNOWN_PEER,
				  "no session of %s has a client that can be sent on (RFC 5685)", connection);
	rv_bus_out_u32(out, sending.n);
	return 0;
}

static const struct rv_bus_method methods[] = {
	{ "Redirect", "ss", "u", "connection,gateway", "sessions", RV_BUS_CONTROL, call_redirect },
};
static const struct rv_bus_interface interface = { .name = "org.ravelin.IPsec1.Redirect",
						   .methods = methods,
						   .n_methods = RV_COUNT(methods) };

static void *find(void *self, const char *name)
{
	return strcmp(name, "server") ? NULL : self;
}

static int each(void *self, rv_bus_each_fn *fn, void *fn_arg)
{
	return fn(fn_arg, "server", self);
}

void server_publish(struct redirect *redirect)
{
	static const struct rv_bus_folder_ops ops = { .size = sizeof(ops), .find = find, .each = each };

	redirect->folder = rv_bus_folder(redirect->host, "redirect", &interface, &ops, redirect, false);
}
