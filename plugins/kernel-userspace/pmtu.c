// SPDX-License-Identifier: LGPL-2.1-or-later
/* pmtu: the path MTU of SAs, as routers say it (RFC 4301, 8.2).
 *
 * Anybody can send such a message. It counts when it quotes one of the last packets of an SA, by addresses, SPI and
 * number; it can only lower the MTU, not below what every path takes, and it is forgotten after some time. So who does
 * not see our packets can do nothing, and who sees them can make them small.
 */
#include "icmp.h"
#include "userspace.h"

#include <ravelin/error.h>

enum { LAST_PACKETS = 1 << 16 };

static struct sa *sa_of(const struct userspace *u, const struct icmp_report *report)
{
	struct sa *sa = find_out(u, report->spi, &report->dst);
	const struct sa_path *path = sa ? atomic_load(&sa->path) : NULL;

	if (!sa || !rv_addr_same_ip(&path->dst, &report->dst) || path->encap != report->encap ||
	    (path->encap && path->dst.port != report->dst.port))
		return NULL;
	if (!rv_addr_is_any(&path->src) && !rv_addr_same_ip(&path->src, &report->src))
		return NULL;
	if ((sa->protocol == RV_PROTO_AH) != (report->protocol == IP_AH))
		return NULL;
	return (uint32_t)sa_sequence(sa) - report->sequence < LAST_PACKETS ? sa : NULL;
}

/* The inbound ones of the same child SA, too: what they clamp is what goes out. */
static int set_child(struct userspace *u, struct sa *sa, uint16_t mtu, uint64_t until_us)
{
	int r = sa_set_mtu(sa, &u->db.retirer, mtu, until_us);
	uint32_t at = 0;

	for (struct sa *in; !r && (in = table_each(&u->db.in, &at));)
		if (in->child_id == sa->child_id)
			r = sa_set_mtu(in, &u->db.retirer, mtu, until_us);
	return r;
}

void pmtu_heard(void *arg, const struct rv_addr *router, struct rv_bytes message)
{
	struct userspace *u = arg;
	struct icmp_report report;
	char text[RV_ADDR_TEXT];
	struct sa *sa = NULL;

	if (u->path_mtu_age_us && u->workers && icmp_read_report(&report, router->family, message.p, message.len))
		sa = sa_of(u, &report);
	if (!sa || report.mtu >= lane_path_mtu(&u->workers[0].lane, atomic_load(&sa->path)))
		return;
	int r = set_child(u, sa, (uint16_t)report.mtu, rv_loop_now_us(u->host->loop) + u->path_mtu_age_us);
	if (!r && !rv_timer_armed(&u->mtu_timer))
		r = rv_timer_arm(&u->mtu_timer, u->path_mtu_age_us);
	rv_log(&u->host->subject, r ? RV_WARN : RV_INFO, "path-mtu", KV_UINT("child-id", sa->child_id),
	       KV_UINT("mtu", report.mtu), KV_STR("router", rv_addr_text(router, text)),
	       KV_STR("why", r ? rv_error_text(r) : "a router does not take more"));
}

/* Forgets what is too old; when the next one is, or 0. */
static uint64_t forget(struct userspace *u, const struct table *table, uint64_t now_us)
{
	uint64_t next_us = 0;
	uint32_t at = 0;

	for (struct sa *sa; (sa = table_each(table, &at));) {
		uint64_t until_us = sa_mtu_until(sa);
		bool old = until_us && until_us <= now_us;
		if (old && sa_set_mtu(sa, &u->db.retirer, 0, 0))
			until_us = now_us + RV_S(1); /* no memory: once more */
		else if (old)
			until_us = 0;
		if (until_us && (!next_us || until_us < next_us))
			next_us = until_us;
	}
	return next_us;
}

/* RFC 4301, 8.2.2: the next packet that is too large finds out anew. */
static void aged(struct rv_timer *timer)
{
	struct userspace *u = rv_container_of(timer, struct userspace, mtu_timer);
	uint64_t now_us = rv_loop_now_us(u->host->loop);
	uint64_t out_us = forget(u, &u->db.out, now_us), in_us = forget(u, &u->db.in, now_us);
	uint64_t next_us = out_us && (!in_us || out_us < in_us) ? out_us : in_us;

	if (next_us && rv_timer_arm(timer, next_us - now_us))
		rv_log(&u->host->subject, RV_WARN, "path-mtu", KV_STR("why", "no memory to forget it in time"));
}

void pmtu_start(struct userspace *u)
{
	struct rv_service *service = rv_registry_find(u->host->registry, "icmp", NULL);
	const struct rv_icmp_ops *ops = service ? rv_service_ops(service) : NULL;
	struct rv_why why = { 0 };

	if (!ops || !u->path_mtu_age_us)
		return;
	int r = rv_ref_take(&u->icmp, service, &u->user);
	if (!r)
		r = ops->listen(rv_service_self(service), pmtu_heard, u, &why);
	if (!r)
		return;
	rv_ref_drop(&u->icmp);
	rv_log(&u->host->subject, RV_WARN, "no-path-mtu", KV_STR("why", why.code ? why.text : rv_error_text(r)));
}

void pmtu_stop(struct userspace *u)
{
	struct rv_service *service = u->icmp.service;

	rv_timer_cancel(&u->mtu_timer);
	if (!service)
		return;
	const struct rv_icmp_ops *ops = rv_service_ops(service);
	(void)ops->listen(rv_service_self(service), NULL, NULL, NULL);
	rv_ref_drop(&u->icmp);
}

void pmtu_init(struct userspace *u)
{
	rv_timer_init(&u->mtu_timer, u->host->loop, aged);
}
