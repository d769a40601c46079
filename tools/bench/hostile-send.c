// SPDX-License-Identifier: LGPL-2.1-or-later
/* hostile-send: sends the IPv4 packets of a file over and over at a rate, from whatever addresses they claim.
 *
 * hostile-send FILE RATE SECONDS. FILE: packets, each behind its length (16 bits, network order). SECONDS 0: once.
 * Prints "sending", and at the end how many were sent. A packet that the system refuses counts as sent.
 */
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, BUFFER = 8 << 20 };

struct packets {
	struct iovec *at;
	struct sockaddr_in *to;
	size_t n;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint8_t *read_all(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *octets = NULL;

	*len = 0;
	for (size_t got = 1; f && got; *len += got) {
		octets = realloc(octets, *len + BUFFER);
		if (!octets)
			die("memory");
		got = fread(octets + *len, 1, BUFFER, f);
	}
	if (!f || fclose(f))
		die(path);
	return octets;
}

static struct packets split(uint8_t *octets, size_t len)
{
	struct packets p = { .n = 0 };
	size_t most = len / (2 + sizeof(struct iphdr)) + 1;

	p.at = calloc(most, sizeof(*p.at));
	p.to = calloc(most, sizeof(*p.to));
	for (size_t at = 0; p.at && p.to && at + 2 + sizeof(struct iphdr) <= len; p.n++) {
		size_t n = (size_t)octets[at] << 8 | octets[at + 1];
		p.at[p.n] = (struct iovec){ octets + at + 2, n };
		p.to[p.n].sin_family = AF_INET;
		memcpy(&p.to[p.n].sin_addr, octets + at + 2 + 16, 4);
		at += 2 + n;
	}
	return p;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Sends n packets from number *next on. */
static void send_batch(int s, const struct packets *p, size_t *next, unsigned n)
{
	struct mmsghdr messages[BATCH];

	for (unsigned i = 0; i < n; i++) {
		size_t at = (*next)++ % p->n;
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &p->to[at], .msg_namelen = sizeof(p->to[at]), .msg_iov = &p->at[at], .msg_iovlen = 1
		};
	}
	for (unsigned i = 0; i < n;) {
		int sent = sendmmsg(s, messages + i, n - i, 0);
		i += sent > 0 ? (unsigned)sent : 1;
	}
}

int main(int argc, char **argv)
{
	size_t len = 0, next = 0;
	int size = BUFFER;
	struct timespec pause = { .tv_nsec = 500000 };
	int s = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (argc != 4)
		return 2;
	uint8_t *octets = read_all(argv[1], &len);
	struct packets p = split(octets, len);
	double rate = strtod(argv[2], NULL), seconds = strtod(argv[3], NULL), began = now();
	if (!p.n || s < 0 || rate <= 0)
		die("nothing to send, or no raw socket");
	(void)setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	printf("sending\n");
	fflush(stdout);
	while (seconds > 0 ? now() - began < seconds : next < p.n) {
		double due = (now() - began) * rate;
		while ((double)next < due && (seconds > 0 || next < p.n)) {
			size_t n = seconds > 0 || p.n - next > BATCH ? BATCH : p.n - next;
			send_batch(s, &p, &next, (unsigned)n);
		}
		nanosleep(&pause, NULL);
	}
	printf("%zu\n", next);
	free(p.to);
	free(p.at);
	free(octets);
	return 0;
}
