// SPDX-License-Identifier: LGPL-2.1-or-later
/* program: assembles, loads and attaches what is described in program.h. Fragments, options, extension headers, tags of
 * VLANs, keying messages and keepalives (RFC 3948, 2) all go on to the stack.
 */
#include "program.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 512, JUMPS_MOST = 96 };
enum { IP4 = 14, IP6 = 14, UDP4 = IP4 + 20, UDP6 = IP6 + 40, UDP_HEADER = 8, ESP_HEADER = 8 };

/* R6: context, R2: data, R3: end of data, R9: terms; R0, R4, R5, R7 for what is at hand. */
enum place { PASS, REDIRECT, MATCHED4, MATCHED6, RAW, IS_IP4, IS_IP6, RAW4, RAW6, N_PLACES };

struct assembly {
	struct bpf_insn code[MOST];
	unsigned n, n_jumps;
	unsigned at[N_PLACES];
	struct {
		unsigned from;
		enum place to;
	} jumps[JUMPS_MOST];
};

static void put(struct assembly *a, uint8_t code, unsigned dst, unsigned src, int off, int32_t imm)
{
	a->code[a->n++] = (struct bpf_insn){ .code = code,
					     .dst_reg = (uint8_t)(dst & 15),
					     .src_reg = (uint8_t)(src & 15),
					     .off = (int16_t)off,
					     .imm = imm };
}

static void here(struct assembly *a, enum place place)
{
	a->at[place] = a->n;
}

static void jump(struct assembly *a, uint8_t code, unsigned dst, unsigned src, int32_t imm, enum place to)
{
	a->jumps[a->n_jumps].from = a->n;
	a->jumps[a->n_jumps++].to = to;
	put(a, BPF_JMP | code, dst, src, 0, imm);
}

static void load(struct assembly *a, uint8_t size, unsigned dst, unsigned base, size_t off)
{
	put(a, BPF_LDX | BPF_MEM | size, dst, base, (int)off, 0);
}

/* dst = 64 bits that say which map, or which place in its only element. */
static void load_map(struct assembly *a, unsigned dst, unsigned kind, int fd)
{
	put(a, BPF_LD | BPF_DW | BPF_IMM, dst, kind, 0, fd);
	put(a, 0, 0, 0, 0, 0);
}

/* Passes what has no n octets. */
static void need(struct assembly *a, int32_t n)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0);
	put(a, BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, n);
	jump(a, BPF_JGT | BPF_X, 4, 3, 0, PASS);
}

/* Passes what is longer than n octets. */
static void limit(struct assembly *a, int32_t n)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0);
	put(a, BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, n + 1);
	jump(a, BPF_JLE | BPF_X, 4, 3, 0, PASS);
}

static void is_ours(struct assembly *a)
{
	for (size_t i = 0; i < 3; i++) {
		load(a, BPF_H, 4, 2, 2 * i);
		load(a, BPF_H, 5, 9, offsetof(struct program_terms, mac) + 2 * i);
		jump(a, BPF_JNE | BPF_X, 4, 5, 0, PASS);
	}
	load(a, BPF_H, 4, 2, 12);
	jump(a, BPF_JEQ | BPF_K, 4, 0, htons(0x0800), IS_IP4);
	jump(a, BPF_JEQ | BPF_K, 4, 0, htons(0x86dd), IS_IP6);
	jump(a, BPF_JA, 0, 0, 0, PASS);
}

/* The datagram at off: our port, long enough to be no keepalive whatever pads the frame, no marker in front. */
static void udp(struct assembly *a, size_t off)
{
	need(a, (int32_t)off + UDP_HEADER + ESP_HEADER);
	load(a, BPF_H, 4, 2, off + 2);
	load(a, BPF_H, 5, 9, offsetof(struct program_terms, port));
	jump(a, BPF_JNE | BPF_X, 4, 5, 0, PASS);
	load(a, BPF_H, 4, 2, off + 4);
	put(a, BPF_ALU | BPF_END | BPF_TO_BE, 4, 0, 0, 16);
	jump(a, BPF_JLT | BPF_K, 4, 0, UDP_HEADER + ESP_HEADER, PASS);
	load(a, BPF_W, 4, 2, off + UDP_HEADER);
	jump(a, BPF_JEQ | BPF_K, 4, 0, 0, PASS);
	jump(a, BPF_JA, 0, 0, 0, REDIRECT);
}

static void upper(struct assembly *a, size_t protocol, size_t off, enum place raw)
{
	load(a, BPF_B, 4, 2, protocol);
	jump(a, BPF_JEQ | BPF_K, 4, 0, 50, raw);
	jump(a, BPF_JNE | BPF_K, 4, 0, 17, PASS);
	udp(a, off);
	here(a, raw);
	load(a, BPF_W, 4, 2, off);
	jump(a, BPF_JEQ | BPF_K, 4, 0, 0, PASS);
	jump(a, BPF_JA, 0, 0, 0, RAW);
}

static void ip4(struct assembly *a)
{
	here(a, IS_IP4);
	load(a, BPF_B, 4, 2, IP4);
	jump(a, BPF_JNE | BPF_K, 4, 0, 0x45, PASS);
	load(a, BPF_H, 4, 2, IP4 + 6);
	jump(a, BPF_JSET | BPF_K, 4, 0, htons(0x3fff), PASS); /* MF and offset */
	load(a, BPF_W, 7, 2, IP4 + 16);
	jump(a, BPF_JEQ | BPF_K, 7, 0, 0, PASS);
	for (size_t i = 0; i < PROGRAM_ADDRS; i++) {
		load(a, BPF_W, 4, 9, offsetof(struct program_terms, v4) + 4 * i);
		jump(a, BPF_JEQ | BPF_X, 4, 7, 0, MATCHED4);
	}
	jump(a, BPF_JA, 0, 0, 0, PASS);
	here(a, MATCHED4);
	upper(a, IP4 + 9, UDP4, RAW4);
}

static void ip6(struct assembly *a)
{
	here(a, IS_IP6);
	need(a, UDP6 + ESP_HEADER);
	load(a, BPF_DW, 7, 2, IP6 + 24);
	load(a, BPF_DW, 0, 2, IP6 + 32);
	jump(a, BPF_JEQ | BPF_K, 7, 0, 0, PASS);
	for (size_t i = 0; i < PROGRAM_ADDRS; i++) {
		load(a, BPF_DW, 4, 9, offsetof(struct program_terms, v6) + 16 * i);
		put(a, BPF_JMP | BPF_JNE | BPF_X, 4, 7, 2, 0);
		load(a, BPF_DW, 4, 9, offsetof(struct program_terms, v6) + 16 * i + 8);
		jump(a, BPF_JEQ | BPF_X, 4, 0, 0, MATCHED6);
	}
	jump(a, BPF_JA, 0, 0, 0, PASS);
	here(a, MATCHED6);
	upper(a, IP6 + 6, UDP6, RAW6);
}

static void ends(struct assembly *a, int sockets)
{
	here(a, RAW);
	load(a, BPF_B, 4, 9, offsetof(struct program_terms, raw));
	jump(a, BPF_JEQ | BPF_K, 4, 0, 0, PASS);
	here(a, REDIRECT);
	load(a, BPF_W, 2, 6, offsetof(struct xdp_md, rx_queue_index));
	load_map(a, 1, BPF_PSEUDO_MAP_FD, sockets);
	put(a, BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, XDP_PASS); /* where a queue has no socket */
	put(a, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map);
	put(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	here(a, PASS);
	put(a, BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS);
	put(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void assemble(struct assembly *a, int sockets, int values, uint32_t frame_max)
{
	put(a, BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0);
	load(a, BPF_W, 2, 6, offsetof(struct xdp_md, data));
	load(a, BPF_W, 3, 6, offsetof(struct xdp_md, data_end));
	load_map(a, 9, BPF_PSEUDO_MAP_VALUE, values);
	need(a, UDP4 + ESP_HEADER);
	limit(a, (int32_t)frame_max);
	is_ours(a);
	ip4(a);
	ip6(a);
	ends(a, sockets);
	for (unsigned i = 0; i < a->n_jumps; i++)
		a->code[a->jumps[i].from].off = (int16_t)(a->at[a->jumps[i].to] - a->jumps[i].from - 1);
}

static int make_maps(struct program *p, uint32_t n_queues)
{
	const struct bpf_map_create_opts shared = { .sz = sizeof(shared), .map_flags = BPF_F_MMAPABLE };

	p->sockets = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "rv_sockets", 4, 4, n_queues, NULL);
	if (p->sockets < 0)
		return p->sockets;
	p->values = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rv_terms", 4, sizeof(struct program_terms), 1, &shared);
	if (p->values < 0)
		return p->values;
	p->mapped = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, p->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, p->values, 0);
	if (at == MAP_FAILED)
		return -errno;
	p->terms = at;
	return 0;
}

int program_load(struct program *program, uint32_t n_queues, uint32_t frame_max, struct rv_why *why)
{
	struct assembly a = { .n = 0 };

	*program = (struct program){ .fd = -1, .sockets = -1, .values = -1, .link = -1 };
	int r = make_maps(program, n_queues);
	if (!r) {
		assemble(&a, program->sockets, program->values, frame_max);
		program->fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "rv_wire", "LGPL-2.1-or-later", a.code, a.n, NULL);
		r = program->fd < 0 ? program->fd : 0;
	}
	if (!r)
		return 0;
	program_unload(program);
	return rv_why_set(why, r, "the XDP program cannot be loaded: %s%s", rv_error_text(r),
			  r == -EPERM ? " (CAP_BPF and CAP_NET_ADMIN are needed, which a daemon has while it starts: "
					"name the plugin in the configuration and restart)"
				      : "");
}

int program_attach(struct program *program, unsigned ifindex, bool must_be_native, struct rv_why *why)
{
	static const uint32_t modes[] = { XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE };
	int r = 0;

	for (int i = 0; i < (must_be_native ? 1 : 2); i++) {
		const struct bpf_link_create_opts opts = { .sz = sizeof(opts), .flags = modes[i] };
		program->link = bpf_link_create(program->fd, (int)ifindex, BPF_XDP, &opts);
		program->native = i == 0;
		if (program->link >= 0)
			return 0;
		r = program->link;
		if (r == -EBUSY)
			break;
	}
	return rv_why_set(why, r, "the XDP program cannot be attached: %s%s", rv_error_text(r),
			  r == -EBUSY	     ? " (another one is: `ip link show` names it)"
			  : r == -EOPNOTSUPP ? " (the driver has no XDP)"
					     : " (MTU, number of queues and offloads may stand in the way: dmesg)");
}

int program_serve(const struct program *program, uint32_t queue, int fd)
{
	return bpf_map_update_elem(program->sockets, &queue, &fd, BPF_ANY);
}

void program_unload(struct program *program)
{
	const int fds[] = { program->link, program->fd, program->sockets, program->values };

	if (program->terms)
		munmap(program->terms, program->mapped);
	for (size_t i = 0; i < RV_COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*program = (struct program){ .fd = -1, .sockets = -1, .values = -1, .link = -1 };
}
