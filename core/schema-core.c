// SPDX-License-Identifier: LGPL-2.1-or-later
/* schema-core: the keys that the core itself knows (format: config.h).
 *
 * A table in text, as a plugin's note holds its own.
 */
#include "parts.h"

#define CONNECTION "connections.*."
#define CHILD "connections.*.children.*."

#define LOCAL_ROUND "connections.*.local*."
#define REMOTE_ROUND "connections.*.remote*."

/* clang-format off */
const char rv_schema_core[] =
	CONNECTION "version|int|0|0..2|Major version of the keying protocol; 0 takes any as responder and the newest as initiator.\n"
	CONNECTION "keying|string|-||Name of the keying service, where it is not chosen by version, such as manual.\n"
	CONNECTION "local_addrs|addrs|%any||Our addresses for this connection.\n"
	CONNECTION "remote_addrs|addrs|%any||The peer's addresses; the first that is neither prefix nor range is called.\n"
	CONNECTION "local_port|int|500|0..65535|Our UDP port; 500 changes to 4500 where a NAT is found.\n"
	CONNECTION "remote_port|int|500|1..65535|The peer's UDP port; 500 changes to 4500 where a NAT is found.\n"
	CONNECTION "proposals|proposals|default||Algorithms for the keying protocol's own messages, best first.\n"
	CONNECTION "encap|choice|default|default,yes,no,never|UDP encapsulation (RFC 3948): always, only where a NAT is seen, or never; the default is yes with a kernel in user space and no with the operating system's.\n"
	CONNECTION "dpd_delay|duration|0s||Silence after which the peer is asked whether it lives; 0 never asks.\n"
	CONNECTION "dpd_timeout|duration|0s||Time to wait for that answer where the keying protocol does not retransmit by itself.\n"
	CONNECTION "rekey_time|duration|4h||Age at which the session gets new keys, less rand_time at most; 0 never.\n"
	CONNECTION "over_time|duration|-||How long a session may outlive rekey_time or reauth_time; 10 % of the longer one by default.\n"
	CONNECTION "rand_time|duration|-||A random part of this is taken from rekey_time and reauth_time; over_time by default.\n"
	CONNECTION "reauth_time|duration|0s||Age at which the session is made and authenticated anew; 0 never.\n"
	CONNECTION "keyingtries|int|0|0..1000000|Attempts to bring a tunnel up that shall be up; 0 goes on until it works.\n"
	LOCAL_ROUND "round|int|0|0..255|Place of this authentication round; rounds without it follow the file's order.\n"
	LOCAL_ROUND "auth|string|pubkey||How we prove who we are: the name of an auth service.\n"
	LOCAL_ROUND "id|identity|-||Who we say we are; our address by default.\n"
	REMOTE_ROUND "round|int|0|0..255|Place of this authentication round; rounds without it follow the file's order.\n"
	REMOTE_ROUND "auth|string|pubkey||How the peer must prove who it is: the name of an auth service.\n"
	REMOTE_ROUND "id|identity|%any||Who the peer must be: an identity or a pattern.\n"
	CHILD "local_ts|ts|dynamic||Our side of the protected traffic; dynamic is our own address.\n"
	CHILD "remote_ts|ts|dynamic||The peer's side of the protected traffic; dynamic is its own address.\n"
	CHILD "esp_proposals|proposals|default||Algorithms for ESP (RFC 4303), best first.\n"
	CHILD "ah_proposals|proposals|-||Algorithms for AH (RFC 4302) in place of ESP, best first.\n"
	CHILD "mode|choice|tunnel|tunnel,transport,pass,drop|IPsec mode, or a policy that lets the traffic pass unprotected or drops it.\n"
	CHILD "replay_window|int|32|0..4096|Packets that may arrive out of order (RFC 4303, 3.4.3); 0 checks nothing.\n"
	CHILD "rekey_time|duration|1h||Age at which a child SA gets new keys, less rand_time at most; 0 never.\n"
	CHILD "life_time|duration|-||Age at which a child SA ends; rekey_time and 10 % by default; 0 never.\n"
	CHILD "rand_time|duration|-||A random part of this is taken from rekey_time; life_time less rekey_time by default.\n"
	CHILD "rekey_bytes|size|0||Octets after which a child SA gets new keys; 0 never.\n"
	CHILD "life_bytes|size|-||Octets after which a child SA ends; rekey_bytes and 10 % by default; 0 never.\n"
	CHILD "rekey_packets|size|0||Packets after which a child SA gets new keys; 0 never.\n"
	CHILD "life_packets|size|-||Packets after which a child SA ends; rekey_packets and 10 % by default; 0 never.\n"
	CHILD "inactivity|duration|0s||Time without traffic after which a child SA is deleted; 0 never.\n"
	CHILD "start_action|choice|none|none,start,trap|What happens when the configuration is loaded: nothing, the tunnel comes up, or traffic brings it up.\n"
	CHILD "close_action|choice|none|none,start,trap|What happens when the peer deletes the child SA.\n"
	CHILD "dpd_action|choice|clear|clear,none,trap,restart,start|What happens when the peer is found dead; none is clear, start is restart.\n"
	CHILD "priority|int|0|0..2147483647|Place of the policies among others, lower first; 0: narrower selectors first.\n"
	CHILD "interface|string|-||Name of an interface of its own for this child's clear text; a shared one by default.\n"
	"secrets.*.secret|secret|-||The secret. The section's name begins with its kind.\n"
	"secrets.*.id*|identity|-||An identity whose secret this is; none: anybody's.\n"
	"ravelin.load|list|-||The plugins to load, with what they need; by default those that say so themselves.\n"
	"ravelin.user|string|-||User that the daemon becomes after start; ravelin by default where there is such a user.\n"
	"ravelin.plugins.*.load|bool|-||Whether the plugin is loaded; its own default otherwise.\n"
	"ravelin.order.*|list|-||For a kind of service, the plugins to be preferred, best first.\n";
/* clang-format on */
