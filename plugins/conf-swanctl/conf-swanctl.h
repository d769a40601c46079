// SPDX-License-Identifier: LGPL-2.1-or-later
/* conf-swanctl.h: the keys of swanctl.conf (strongSwan 5.9) that the core does not know, as schema lines.
 *
 * The range of a line lists the values with which the key is accepted, since they ask for what happens anyway. A plugin
 * that supports a key brings a line of its own, which takes the place of the one here.
 */
#pragma once

/* clang-format off */
#define CONF_SWANCTL_SCHEMA \
	"connections.*.vips|elsewhere|-||Virtual addresses to ask for.\n" \
	"connections.*.aggressive|elsewhere|-|no|Aggressive mode of the older protocol.\n" \
	"connections.*.pull|elsewhere|-|yes|Direction of address configuration in the older protocol.\n" \
	"connections.*.dscp|elsewhere|-|000000|Code point of the protocol's own packets.\n" \
	"connections.*.mobike|elsewhere|-|no|Moving a session to other addresses (RFC 4555).\n" \
	"connections.*.fragmentation|elsewhere|-|no|Fragmentation of messages (RFC 7383).\n" \
	"connections.*.childless|elsewhere|-|never|Sessions without a first child SA (RFC 6023).\n" \
	"connections.*.send_certreq|elsewhere|-|no|Requests for certificates.\n" \
	"connections.*.send_cert|elsewhere|-|never|Sending of certificates.\n" \
	"connections.*.ppk_id|elsewhere|-||Postquantum preshared key (RFC 8784).\n" \
	"connections.*.ppk_required|elsewhere|-|no|Whether that key is required.\n" \
	"connections.*.unique|elsewhere|-|never|What happens to an older session of the same peer.\n" \
	"connections.*.pools|elsewhere|-||Pools of virtual addresses.\n" \
	"connections.*.if_id_in|elsewhere|-|0|XFRM interface, inbound.\n" \
	"connections.*.if_id_out|elsewhere|-|0|XFRM interface, outbound.\n" \
	"connections.*.mediation|elsewhere|-|no|Mediation extension.\n" \
	"connections.*.mediated_by|elsewhere|-||Mediation extension.\n" \
	"connections.*.mediation_peer|elsewhere|-||Mediation extension.\n" \
	"connections.*.local*.certs|elsewhere|-||Certificates.\n" \
	"connections.*.local*.cert*|elsewhere|-||Certificates.\n" \
	"connections.*.local*.pubkeys|elsewhere|-||Raw public keys.\n" \
	"connections.*.local*.eap_id|elsewhere|-||Identity inside EAP.\n" \
	"connections.*.local*.cert*.file|elsewhere|-||A certificate.\n" \
	"connections.*.local*.cert*.handle|elsewhere|-||A certificate.\n" \
	"connections.*.local*.cert*.slot|elsewhere|-||A certificate.\n" \
	"connections.*.local*.cert*.module|elsewhere|-||A certificate.\n" \
	"connections.*.remote*.certs|elsewhere|-||Certificates.\n" \
	"connections.*.remote*.cert*|elsewhere|-||Certificates.\n" \
	"connections.*.remote*.pubkeys|elsewhere|-||Raw public keys.\n" \
	"connections.*.remote*.eap_id|elsewhere|-||Identity inside EAP.\n" \
	"connections.*.remote*.cert*.file|elsewhere|-||A certificate.\n" \
	"connections.*.remote*.cert*.handle|elsewhere|-||A certificate.\n" \
	"connections.*.remote*.cert*.slot|elsewhere|-||A certificate.\n" \
	"connections.*.remote*.cert*.module|elsewhere|-||A certificate.\n" \
	"connections.*.local*.aaa_id|elsewhere|-||Identity of the AAA server.\n" \
	"connections.*.local*.xauth_id|elsewhere|-||Identity inside XAuth.\n" \
	"connections.*.remote*.groups|elsewhere|-||Groups that the peer must be in.\n" \
	"connections.*.remote*.cert_policy|elsewhere|-||Certificate policies.\n" \
	"connections.*.remote*.cacerts|elsewhere|-||Certificate authorities.\n" \
	"connections.*.remote*.cacert*|elsewhere|-||Certificate authorities.\n" \
	"connections.*.remote*.ca_id|elsewhere|-||Identity of a certificate authority.\n" \
	"connections.*.remote*.revocation|elsewhere|-||Revocation policy.\n" \
	"connections.*.remote*.cacert*.file|elsewhere|-||A certificate authority.\n" \
	"connections.*.remote*.cacert*.handle|elsewhere|-||A certificate authority.\n" \
	"connections.*.remote*.cacert*.slot|elsewhere|-||A certificate authority.\n" \
	"connections.*.remote*.cacert*.module|elsewhere|-||A certificate authority.\n" \
	"connections.*.children.*.sha256_96|elsewhere|-|no|Wrong truncation of an integrity algorithm.\n" \
	"connections.*.children.*.updown|elsewhere|-||Script for events.\n" \
	"connections.*.children.*.hostaccess|elsewhere|-|no|Variable of that script.\n" \
	"connections.*.children.*.policies|elsewhere|-|yes|Whether policies are installed.\n" \
	"connections.*.children.*.policies_fwd_out|elsewhere|-|no|Outbound forward policies.\n" \
	"connections.*.children.*.ipcomp|elsewhere|-|no|Compression (RFC 3173).\n" \
	"connections.*.children.*.reqid|elsewhere|-|0|Fixed number that ties policies to SAs.\n" \
	"connections.*.children.*.mark_in|elsewhere|-|0,0/0x00000000|Netfilter mark, inbound.\n" \
	"connections.*.children.*.mark_in_sa|elsewhere|-|no|Netfilter mark on the inbound SA.\n" \
	"connections.*.children.*.mark_out|elsewhere|-|0,0/0x00000000|Netfilter mark, outbound.\n" \
	"connections.*.children.*.set_mark_in|elsewhere|-|0,0/0x00000000|Netfilter mark set, inbound.\n" \
	"connections.*.children.*.set_mark_out|elsewhere|-|0,0/0x00000000|Netfilter mark set, outbound.\n" \
	"connections.*.children.*.if_id_in|elsewhere|-|0|XFRM interface, inbound.\n" \
	"connections.*.children.*.if_id_out|elsewhere|-|0|XFRM interface, outbound.\n" \
	"connections.*.children.*.label|elsewhere|-||Security label.\n" \
	"connections.*.children.*.label_mode|elsewhere|-|system|Security label.\n" \
	"connections.*.children.*.hw_offload|elsewhere|-|no,auto|Offload to hardware.\n" \
	"secrets.*.file|elsewhere|-||A key in a file or on a token.\n" \
	"secrets.*.handle|elsewhere|-||A key in a file or on a token.\n" \
	"secrets.*.slot|elsewhere|-||A key in a file or on a token.\n" \
	"secrets.*.module|elsewhere|-||A key in a file or on a token.\n" \
	"secrets.*.pin|elsewhere|-||A key in a file or on a token.\n" \
	"pools.*.*|elsewhere|-||Pool of virtual addresses.\n" \
	"authorities.*.cacert|elsewhere|-||Certificate authority.\n" \
	"authorities.*.file|elsewhere|-||Certificate authority.\n" \
	"authorities.*.handle|elsewhere|-||Certificate authority.\n" \
	"authorities.*.slot|elsewhere|-||Certificate authority.\n" \
	"authorities.*.module|elsewhere|-||Certificate authority.\n" \
	"authorities.*.crl_uris|elsewhere|-||Certificate authority.\n" \
	"authorities.*.ocsp_uris|elsewhere|-||Certificate authority.\n" \
	"authorities.*.cert_uri_base|elsewhere|-||Certificate authority.\n"
/* clang-format on */
