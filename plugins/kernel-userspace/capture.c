// SPDX-License-Identifier: LGPL-2.1-or-later
/* capture: headers that sockets keep to themselves are written from the SA's path; the IPv4 identification and
 * checksums of UDP are zero there.
 */
#include "capture.h"

#include "ah.h"
#include "pcapng.h"
#include "userspace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 20, COMMENT = 100, TTL = 64, TRAILER = 2, HEADER_MAX = IP6_HEADER + UDP_HEADER, LONGEST = 65535 };

static const uint64_t period_us = 50000;

struct capture {
	struct retired retired;
	struct userspace *home;
	struct rv_timer timer;
	uint32_t reqid;
	int fd;
	pthread_mutex_t lock; /* len, dropped, octets */
	uint64_t dropped;
	size_t len;
	uint8_t octets[BUFFER];
};

struct capture *capture_of(_Atomic(struct capture *) *at, const struct sa *sa)
{
	struct capture *capture = atomic_load_explicit(at, memory_order_acquire);

	return capture && capture->reqid == sa->reqid ? capture : NULL;
}

static uint64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void put(struct capture *capture, const struct sa *sa, enum pcapng_side side, struct rv_bytes header,
		struct rv_bytes rest)
{
	char comment[COMMENT];
	struct pcapng_packet packet = { .side = side,
					.inbound = sa->dir == RV_IN,
					.at_us = wall_us(),
					.header = header,
					.rest = rest,
					.comment = comment };

	snprintf(comment, sizeof(comment), "%s SA 0x%08" PRIx32 " of child SA #%" PRIu32,
		 sa->protocol == RV_PROTO_AH ? "AH" : "ESP", sa->key, sa->child_id);
	pthread_mutex_lock(&capture->lock);
	if (capture->len + header.len + rest.len + PCAPNG_PACKET + PCAPNG_END <= sizeof(capture->octets))
		capture->len += pcapng_packet(capture->octets + capture->len, &packet);
	else
		capture->dropped++;
	pthread_mutex_unlock(&capture->lock);
}

/* A header between the SA's ends in front of len octets of protocol proto; its length, 0 when they do not fit. */
static uint32_t put_outer(const struct sa *sa, uint8_t proto, bool encap, uint32_t len, uint8_t *out)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	uint32_t udp = encap ? UDP_HEADER : 0, size;

	if (len + HEADER_MAX > LONGEST)
		return 0;
	size = (uint32_t)ip_put_header(out, &path->src, &path->dst, encap ? IP_UDP : proto, 0, TTL, len + udp);
	if (!encap)
		return size;
	ip_put16(out + size, path->src.port);
	ip_put16(out + size + 2, path->dst.port);
	ip_put16(out + size + 4, len + udp);
	ip_put16(out + size + 6, 0);
	return size + udp;
}

/* An IP packet out of a tunnel as it is, without what hides its length; from transport mode with a header. */
static void put_text(struct capture *capture, const struct sa *sa, const uint8_t *p, uint32_t len, uint8_t next)
{
	uint8_t header[HEADER_MAX];
	struct ip_info info;
	uint32_t size;

	if (sa->mode == RV_TUNNEL) {
		if (ip_parse(&info, p, len))
			put(capture, sa, PCAPNG_CLEAR, rv_bytes(NULL, 0), rv_bytes(p, info.len));
		return;
	}
	size = put_outer(sa, next, false, len, header);
	if (size)
		put(capture, sa, PCAPNG_CLEAR, rv_bytes(header, size), rv_bytes(p, len));
}

void capture_texts(struct capture *capture, const struct sa *sa, const struct rv_cryptor_op *ops, uint32_t n)
{
	for (uint32_t i = 0; i < n && !sa->ext; i++) {
		const struct rv_cryptor_op *op = &ops[i];
		const uint8_t *p = sa->dir == RV_IN ? op->dst : op->src;
		uint32_t len = op->len, pad = 0;
		uint8_t next = 0;
		if (sa->dir == RV_IN && !op->ok)
			continue;
		if (sa->protocol == RV_PROTO_AH) {
			uint32_t rest = ah_rest(&sa->suite, op->aad[0] >> 4);
			next = op->aad[op->aad_len - AH_HEADER];
			p += rest;
			len -= rest;
		} else {
			pad = len >= TRAILER ? p[len - 2] + (uint32_t)TRAILER : UINT32_MAX;
			next = len >= TRAILER ? p[len - 1] : IP_NONE;
		}
		if (pad <= len && next != IP_NONE)
			put_text(capture, sa, p, len - pad, next);
	}
}

void capture_wire(struct capture *capture, const struct sa *sa, const struct rv_cryptor_op *ops, uint32_t n)
{
	const struct sa_path *path = atomic_load_explicit(&sa->path, memory_order_acquire);
	uint8_t header[HEADER_MAX];

	for (uint32_t i = 0; i < n; i++) {
		const struct rv_cryptor_op *op = &ops[i];
		if (sa->protocol == RV_PROTO_AH) {
			bool in = sa->dir == RV_IN;
			uint32_t iv_len = sa->suite.iv_len;
			put(capture, sa, PCAPNG_WIRE, rv_bytes(NULL, 0),
			    rv_bytes((in ? op->src : op->dst) - op->aad_len, op->aad_len + iv_len + op->len));
			continue;
		}
		uint32_t len = (uint32_t)ESP_HEADER + sa->suite.iv_len + op->len + sa->suite.icv_len;
		uint32_t size = put_outer(sa, IP_ESP, path->encap, len, header);
		if (size)
			put(capture, sa, PCAPNG_WIRE, rv_bytes(header, size), rv_bytes(op->aad, len));
	}
}

static void capture_free(struct retired *retired)
{
	struct capture *capture = rv_container_of(retired, struct capture, retired);

	if (capture->len + PCAPNG_END <= sizeof(capture->octets))
		capture->len += pcapng_end(capture->octets + capture->len, wall_us(), capture->dropped);
	(void)!write(capture->fd, capture->octets, capture->len);
	close(capture->fd);
	pthread_mutex_destroy(&capture->lock);
	free(capture);
}

void capture_stop(struct userspace *u)
{
	struct capture *capture = atomic_exchange(&u->db.capture, NULL);
	uint64_t dropped;

	if (!capture)
		return;
	rv_timer_cancel(&capture->timer);
	pthread_mutex_lock(&capture->lock); /* workers may be in it still */
	dropped = capture->dropped;
	pthread_mutex_unlock(&capture->lock);
	rv_log(&u->host->subject, RV_NOTICE, "capture-ended", KV_UINT("reqid", capture->reqid),
	       KV_UINT("left-out", dropped));
	retire(&u->db.retirer, &capture->retired, capture_free);
}

/* Whether somebody reads still. What was written leaves the buffer. */
static bool drain(struct capture *capture)
{
	struct pollfd p = { .fd = capture->fd };
	bool reads = poll(&p, 1, 0) <= 0 || !(p.revents & (POLLERR | POLLNVAL));

	pthread_mutex_lock(&capture->lock);
	ssize_t n = reads && capture->len ? write(capture->fd, capture->octets, capture->len) : 0;
	reads = reads && (n >= 0 || errno == EAGAIN || errno == EINTR);
	if (n > 0) {
		memmove(capture->octets, capture->octets + n, capture->len - (size_t)n);
		capture->len -= (size_t)n;
	}
	pthread_mutex_unlock(&capture->lock);
	return reads;
}

static void tick(struct rv_timer *timer)
{
	struct capture *capture = rv_container_of(timer, struct capture, timer);

	if (!drain(capture) || rv_timer_arm(timer, period_us))
		capture_stop(capture->home);
}

int capture_start(struct userspace *u, uint32_t reqid, int fd, struct rv_why *why)
{
	bool busy = atomic_load(&u->db.capture);
	struct capture *capture = busy ? NULL : calloc(1, sizeof(*capture));
	int flags = fcntl(fd, F_GETFL);

	if (!capture || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
		int r = busy ? -RV_EIN_USE : capture ? -errno : -ENOMEM;
		free(capture);
		close(fd);
		return rv_why_set(why, r, "%s",
				  busy ? "another capture is running: end that one first" : rv_error_text(r));
	}
	capture->home = u;
	capture->reqid = reqid;
	capture->fd = fd;
	pthread_mutex_init(&capture->lock, NULL);
	rv_timer_init(&capture->timer, u->host->loop, tick);
	capture->len = pcapng_start(capture->octets);
	atomic_store_explicit(&u->db.capture, capture, memory_order_release);
	tick(&capture->timer);
	rv_log(&u->host->subject, RV_NOTICE, "capture-began", KV_UINT("reqid", reqid));
	return 0;
}
