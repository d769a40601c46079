// SPDX-License-Identifier: LGPL-2.1-or-later
/* queue: an AF_XDP socket and its four rings; see queue.h. */
#include "xdp.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* A frame that is given back begins where it began: the program never moves it. */
static void fill(struct queue *q, uint32_t n, const uint64_t *frames)
{
	uint32_t at;

	if (xsk_ring_prod__reserve(&q->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) = frames[i];
	xsk_ring_prod__submit(&q->fill, n);
}

static int open_memory(struct queue *q, struct rv_why *why)
{
	const struct xsk_umem_config config = { .fill_size = RING, .comp_size = RING, .frame_size = q->frame_len };

	q->area_len = (size_t)FRAMES * q->frame_len;
	q->area = mmap(NULL, q->area_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (q->area == MAP_FAILED) {
		q->area = NULL;
		return rv_why_set(why, -errno, "memory of %zu octets: %s", q->area_len, rv_error_text(-errno));
	}
	int r = xsk_umem__create(&q->umem, q->area, q->area_len, &q->fill, &q->done, &config);
	return r ? rv_why_set(why, r, "memory of %zu octets for packets: %s%s", q->area_len, rv_error_text(r),
			      r == -ENOBUFS ? " (CAP_IPC_LOCK or a higher limit of locked memory is needed)" : "")
		 : 0;
}

static const char *advice(int r, enum mode mode)
{
	if (mode == MODE_ZEROCOPY && (r == -EOPNOTSUPP || r == -EINVAL))
		return " (this driver cannot write into our memory: set mode = copy)";
	if (r == -EPERM)
		return " (CAP_NET_RAW is needed)";
	return r == -EBUSY ? " (another program has an AF_XDP socket there)" : "";
}

static int open_socket(struct queue *q, enum mode mode, struct rv_why *why)
{
	static const uint16_t flags[] = { [MODE_COPY] = XDP_COPY, [MODE_ZEROCOPY] = XDP_ZEROCOPY };
	const struct xsk_socket_config config = { .rx_size = RING,
						  .tx_size = RING,
						  .libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
						  .bind_flags = (uint16_t)(flags[mode] | XDP_USE_NEED_WAKEUP) };
	struct xdp_options options = { 0 };
	socklen_t len = sizeof(options);
	int r = xsk_socket__create(&q->socket, q->device->name, q->id, q->umem, &q->rx, &q->tx, &config);

	if (!r)
		r = program_serve(&q->device->program, q->id, xsk_socket__fd(q->socket));
	if (r)
		return rv_why_set(why, r, "queue %u: %s%s", q->id, rv_error_text(r), advice(r, mode));
	if (!getsockopt(xsk_socket__fd(q->socket), SOL_XDP, XDP_OPTIONS, &options, &len))
		q->zerocopy = options.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

int queue_open(struct queue *q, enum mode mode, struct rv_why *why)
{
	uint64_t frames[RX_FRAMES];
	int r = open_memory(q, why);

	if (!r)
		r = open_socket(q, mode, why);
	if (r)
		return r;
	for (uint32_t i = 0; i < RX_FRAMES; i++)
		frames[i] = (uint64_t)i * q->frame_len;
	fill(q, RX_FRAMES, frames);
	for (uint32_t i = 0; i < TX_FRAMES; i++)
		q->free[q->n_free++] = (uint64_t)(RX_FRAMES + i) * q->frame_len;
	return 0;
}

void queue_close(struct queue *q)
{
	if (q->socket)
		xsk_socket__delete(q->socket);
	if (q->umem)
		(void)xsk_umem__delete(q->umem);
	if (q->area)
		munmap(q->area, q->area_len);
	q->socket = NULL;
	q->umem = NULL;
	q->area = NULL;
}

bool queue_next(struct queue *q, struct rv_bytes *frame)
{
	uint32_t at;

	if (!xsk_ring_cons__peek(&q->rx, 1, &at))
		return false;
	const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&q->rx, at);
	*frame = rv_bytes(q->area + desc->addr, desc->len);
	return true;
}

void queue_done(struct queue *q)
{
	const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&q->rx, q->rx.cached_cons - 1);
	uint64_t frame = desc->addr - desc->addr % q->frame_len;

	xsk_ring_cons__release(&q->rx, 1);
	fill(q, 1, &frame);
	if (xsk_ring_prod__needs_wakeup(&q->fill))
		(void)recvfrom(xsk_socket__fd(q->socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* What has been sent can be used again. */
static void reap(struct queue *q)
{
	uint32_t at, n = xsk_ring_cons__peek(&q->done, RING, &at);

	for (uint32_t i = 0; i < n; i++)
		q->free[q->n_free++] = *xsk_ring_cons__comp_addr(&q->done, at + i);
	if (n)
		xsk_ring_cons__release(&q->done, n);
}

bool queue_has_room(struct queue *q, uint32_t n)
{
	if (q->n_free < n)
		reap(q);
	if (q->n_free < n)
		queue_kick(q);
	return q->n_free >= n && xsk_prod_nb_free(&q->tx, n) >= n;
}

uint8_t *queue_room(const struct queue *q)
{
	return q->area + q->free[q->n_free - 1];
}

void queue_put(struct queue *q, size_t len)
{
	uint32_t at;

	if (xsk_ring_prod__reserve(&q->tx, 1, &at) != 1)
		return; /* never: queue_has_room() has seen it */
	*xsk_ring_prod__tx_desc(&q->tx, at) = (struct xdp_desc){ .addr = q->free[--q->n_free], .len = (uint32_t)len };
	q->n_new++;
}

static bool waits(struct queue *q)
{
	return xsk_prod_nb_free(&q->tx, RING) < RING;
}

/* The system sends a few frames a call. What it cannot send now goes with the next call. */
void queue_kick(struct queue *q)
{
	if (q->n_new)
		xsk_ring_prod__submit(&q->tx, q->n_new);
	q->n_new = 0;
	for (int calls = 0; calls < RING / 32 && xsk_ring_prod__needs_wakeup(&q->tx) && waits(q); calls++)
		if (sendto(xsk_socket__fd(q->socket), NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 && errno != EAGAIN &&
		    errno != EBUSY)
			break;
	reap(q);
}
