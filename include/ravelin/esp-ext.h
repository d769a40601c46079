// SPDX-License-Identifier: LGPL-2.1-or-later
/* esp-ext.h: kind "esp-ext": what else is done with the texts of an ESP SA, inside its encryption and around it.
 *
 * A child SA says by name which extension it has and what was agreed for each direction (rv_child_extend, sa.h); the
 * kernel opens it with the SA. Outbound texts pass it before they are padded and sealed, inbound ones when their
 * padding is gone and before selectors are looked at. They come in bursts of one SA; what becomes of them the extension
 * emits, one text for each, fewer or more, then or at a time of its own. An SA without an extension costs one test of a
 * pointer (doc/adr/0018).
 */
#pragma once

#include <ravelin/kernel.h>
#include <ravelin/registry.h>

/* What ESP carries: len octets at p of protocol next (RFC 4303, 2.6). tos: DSCP and ECN of the outer header that it
 * came with or leaves with. seq: inbound, the packet's sequence number. front: inbound, what stood in front of ESP
 * (struct rv_esp_wrapper); family, encap: of the outer packet. stays: p stays as it is until the worker's burst is
 * over, and the RV_TAILROOM octets behind may be overwritten; set by the kernel in what it gives, not by an extension
 * for memory of its own. origin: the kernel's, of the packet; what is made of one text of transport mode has it, too.
 */
struct rv_esp_text {
	uint8_t *p;
	uint32_t len;
	uint8_t next, tos;
	bool stays;
	uint8_t family;
	bool encap;
	uint64_t seq;
	struct rv_bytes front;
	const void *origin;
};

/* One call by a worker. now_us: clock of the loop. due_us: when tick is wanted; may be changed, then this worker keeps
 * the time from now on. UINT64_MAX: not at all, as it is at the beginning of each tick. mtu: outbound, what the path's
 * outer packets may have (0: not known). emit: an outbound text is padded, sealed and sent; an inbound one goes on to
 * the selectors; false: it was dropped and counted. The octets are used or copied before it returns, unless they stay.
 * fits: outbound, the longest text whose outer packet has at most outer octets, headers of IP and UDP with it. drop:
 * counts one that went no further. */
struct rv_esp_turn {
	unsigned worker;
	uint64_t now_us, due_us;
	uint32_t mtu;
	bool (*emit)(struct rv_esp_turn *turn, const struct rv_esp_text *text);
	uint32_t (*fits)(const struct rv_esp_turn *turn, uint32_t outer);
	void (*drop)(struct rv_esp_turn *turn, enum rv_drop cause);
};

enum { RV_ESP_FRONT_MAX = 16 };

/* A header between IP or UDP and ESP. protocol: its number in IP; marker: in UDP, the SPI (1 to 255, reserved by RFC
 * 4303, 2.1) that stands in front of it. put: writes the header for a text into p (up to RV_ESP_FRONT_MAX octets) and
 * returns its length, the same for all texts on the same kind of path. skip: the length of the header at the start of
 * packet; 0: there is none, or it is malformed. What it says is compared in ops->in, as front. */
struct rv_esp_wrapper {
	uint8_t protocol;
	uint32_t marker;
	uint32_t (*put)(void *state, uint8_t *p, const struct rv_esp_text *text, uint8_t family, bool encap);
	uint32_t (*skip)(struct rv_bytes packet);
};

/* open: the state of a new SA of one direction (spec: borrowed) for n_workers threads; 0 or negative. close: frees it,
 * when no worker can see it. Both on the loop. out, in: n texts of the SA's direction in their order. tick (NULL:
 * none): the time has come; the first one comes when the SA is there. mtu (NULL: as it is): the longest packet to be
 * taken from the clear side, where texts of mtu octets fit the path (UINT32_MAX: any). wrapper: NULL or a header around
 * ESP.
 *
 * A worker (0 to n_workers - 1) is in one call of an extension at a time; other workers may be in calls with the same
 * state. Calls allocate nothing, make no system call and wait for nothing but another worker's copying; emit may send
 * where there is no room left, so who waits for a worker that emits should sleep. */
struct rv_esp_ext_ops {
	size_t size;
	int (*open)(void *self, const struct rv_sa_spec *spec, unsigned n_workers, void **state);
	void (*close)(void *self, void *state);
	void (*out)(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n);
	void (*in)(void *state, struct rv_esp_turn *turn, const struct rv_esp_text *texts, size_t n);
	void (*tick)(void *state, struct rv_esp_turn *turn);
	uint32_t (*mtu)(void *state, uint32_t mtu);
	const struct rv_esp_wrapper *wrapper;
};
RV_KIND(esp_ext, "esp-ext", 2, struct rv_esp_ext_ops, wrapper)
