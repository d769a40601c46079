// SPDX-License-Identifier: LGPL-2.1-or-later
/* inspect: `ravelin inspect CAPTURE`: which SAs of a capture are ESP-NULL, and with which ICV (RFC 5879). It needs no
 * daemon.
 */
#include "capture-file.h"
#include "flows.h"

#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <ravelin/error.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The algorithms that an ICV of this length and an IV can be of (RFC 5879, Figure 2). */
static const struct {
	uint8_t icv, iv;
	const char *what;
} algorithms[] = {
	{ 12, 0, "HMAC-MD5-96, HMAC-SHA1-96, AES-XCBC-96 or AES-CMAC-96" },
	{ 16, 0, "HMAC-SHA2-256-128" },
	{ 16, 8, "AES-GMAC" },
	{ 24, 0, "HMAC-SHA2-384-192" },
	{ 32, 0, "HMAC-SHA2-512-256" },
};

static const char *algorithm_of(const struct flow *flow)
{
	uint8_t iv = flow->guess.iv_len == IV_UNKNOWN ? 0 : flow->guess.iv_len;

	for (size_t i = 0; i < RV_COUNT(algorithms); i++)
		if (algorithms[i].icv == flow->guess.icv_len && algorithms[i].iv == iv)
			return algorithms[i].what;
	return "not known";
}

static const char *verdict_of(const struct flow *flow)
{
	static const char *const words[] = {
		[ESP_NEW] = "unsure", [ESP_UNSURE] = "unsure", [ESP_ENCRYPTED] = "encrypted", [ESP_NULL] = "null"
	};

	return words[flow->guess.verdict];
}

static const char *address(const struct flow *flow, const uint8_t *ip, uint16_t port, char out[static 64])
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(flow->family == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text));
	if (port)
		snprintf(out, 64, flow->family == 4 ? "%s:%u" : "[%s]:%u", text, port);
	else
		snprintf(out, 64, "%s", text);
	return out;
}

static void print_json(const struct flow *f, bool first)
{
	char src[64], dst[64];
	bool null = f->guess.verdict == ESP_NULL;

	printf("%s\n  {\"source\": \"%s\", \"destination\": \"%s\", \"spi\": %" PRIu32
	       ", \"verdict\": \"%s\", \"wesp\": %s, ",
	       first ? "" : ",", address(f, f->src, f->src_port, src), address(f, f->dst, f->dst_port, dst), f->spi,
	       verdict_of(f), f->wesp ? "true" : "false");
	if (null)
		printf("\"icv\": %u, \"algorithm\": \"%s\", ", f->guess.icv_len, algorithm_of(f));
	if (null && f->guess.iv_len != IV_UNKNOWN)
		printf("\"iv\": %u, ", f->guess.iv_len);
	printf("\"packets\": %" PRIu64 ", \"octets\": %" PRIu64 ", \"garbage\": %" PRIu32 "}", f->packets, f->octets,
	       f->guess.n_garbage);
}

static void print_row(const struct flow *f)
{
	char src[64], dst[64];

	printf("%-26s %-26s %08" PRIx32 "  %-9s %8" PRIu64 "  ", address(f, f->src, f->src_port, src),
	       address(f, f->dst, f->dst_port, dst), f->spi, verdict_of(f), f->packets);
	if (f->guess.verdict == ESP_NULL)
		printf("ICV of %u octets: %s", f->guess.icv_len, algorithm_of(f));
	printf("%s%s\n", f->wesp ? " (WESP)" : "", f->guess.n_anew ? " (it changed)" : "");
}

static int print_all(const struct tool *tool, const struct flows *flows)
{
	if (tool->json)
		printf("[");
	else
		printf("%-26s %-26s %-9s %-9s %8s  what\n", "source", "destination", "spi", "verdict", "packets");
	for (uint32_t i = 0; i < flows->n; i++) {
		if (tool->json)
			print_json(&flows->flows[i], !i);
		else
			print_row(&flows->flows[i]);
	}
	if (tool->json)
		printf("\n]\n");
	if (flows->cut)
		fprintf(stderr,
			"ravelin: %" PRIu64 " packets were cut off when they were captured and are left out; capture "
			"whole packets (tcpdump -s 0)\n",
			flows->cut);
	if (flows->too_many)
		fprintf(stderr, "ravelin: %" PRIu64 " packets of further flows are left out, %d were looked at\n",
			flows->too_many, FLOWS_MAX);
	return DONE;
}

static int look(struct tool *tool, const char *path, struct rv_bytes file)
{
	struct flows *flows = flows_new(tool);
	struct capture capture;
	struct frame frame;
	bool broken = false, memory = flows;
	char text[512];

	if (!capture_open(&capture, file)) {
		snprintf(text, sizeof(text), "%s is neither pcap nor pcapng", path);
		return tool_complain(tool, NAME ".Error.Failed", text);
	}
	while (memory && capture_next(&capture, &frame, &broken))
		memory = flows_packet(flows, frame_packet(&frame), frame.whole);
	if (!memory)
		return tool_complain(tool, DBUS_ERROR_NO_MEMORY, "out of memory");
	if (broken)
		fprintf(stderr, "ravelin: %s ends in the middle of a packet; what is before it was looked at\n", path);
	return print_all(tool, flows);
}

int run_inspect(struct tool *tool)
{
	const char *path = tool->args[0];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	struct stat st = { 0 };
	char text[512];
	void *p = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		snprintf(text, sizeof(text), "%s cannot be read: %s", path,
			 fd >= 0 && !st.st_size ? "it is empty" : rv_error_text(-errno));
		r = tool_complain(tool, NAME ".Error.Failed", text);
	} else {
		r = look(tool, path, rv_bytes(p, (size_t)st.st_size));
		munmap(p, (size_t)st.st_size);
	}
	if (fd >= 0)
		close(fd);
	return r;
}
