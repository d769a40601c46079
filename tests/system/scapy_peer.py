# SPDX-License-Identifier: LGPL-2.1-or-later
"""scapy_peer: a second implementation of ESP. Reads one JSON object from its argument: me, them, mode, encap, esn, the two
SAs (spi, keys, algorithms) and inner addresses; answers echo requests inside ESP with echo replies inside ESP, and prints
what it saw. With "ping": N it asks instead and prints how many of N were answered. "start": first sequence number (64
bits with ESN)."""
import json
import logging
import sys
import time

logging.getLogger('scapy').setLevel(logging.ERROR)

from scapy.all import (ESP, ICMP, IP, UDP, AsyncSniffer, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6, Raw,  # noqa: E402
                       SecurityAssociation, conf, send)

conf.verb = 0
want = json.loads(sys.argv[1])
V6 = ':' in want['me']
Outer = IPv6 if V6 else IP


def association(sa, src, dst):
    tunnel = Outer(src=src, dst=dst) if want['mode'] == 'tunnel' else None
    return SecurityAssociation(ESP, spi=sa['spi'], seq_num=0, crypt_algo=sa['encr'], crypt_key=bytes.fromhex(sa['key']),
                               auth_algo=sa.get('integ'), auth_key=bytes.fromhex(sa.get('integ_key', '')) or None,
                               tunnel_header=tunnel, nat_t_header=UDP(sport=4500, dport=4500) if want['encap'] else None,
                               esn_en=want['esn'], esn=0)


inbound, outbound = association(want['in'], want['them'], want['me']), association(want['out'], want['me'], want['them'])
sequence = want.get('start', 1)
seen, replies, bad = [], [], []
highest = 0


def seal(packet):
    global sequence
    sealed = outbound.encrypt(packet, seq_num=sequence & 0xffffffff, esn_en=want['esn'], esn=sequence >> 32)
    sequence += 1
    send(sealed)


def echo(packet):
    """The echo reply to a packet that was opened, or None."""
    if ICMP in packet and packet[ICMP].type == 8:
        return IP(src=packet[IP].dst, dst=packet[IP].src) / ICMP(type=0, id=packet[ICMP].id, seq=packet[ICMP].seq) / \
            packet[ICMP].payload
    if ICMPv6EchoRequest in packet:
        ask = packet[ICMPv6EchoRequest]
        return IPv6(src=packet[IPv6].dst, dst=packet[IPv6].src) / ICMPv6EchoReply(id=ask.id, seq=ask.seq, data=ask.data)
    return None


def arrived(frame):
    global highest
    packet = frame.getlayer(Outer)
    if packet is None or packet.src != want['them'] or ESP not in packet or packet[ESP].spi != want['in']['spi']:
        return
    low = packet[ESP].seq
    high = highest >> 32
    if want['esn'] and low < (highest & 0xffffffff) - 1024:
        high += 1
    try:
        opened = inbound.decrypt(packet.copy(), esn_en=want['esn'], esn=high)
    except Exception as e:  # pylint: disable=broad-except
        bad.append(str(e))
        return
    highest = max(highest, high << 32 | low)
    seen.append(high << 32 | low)
    answer = echo(opened)
    if answer is not None:
        seal(answer)
    elif (ICMP in opened and opened[ICMP].type == 0) or ICMPv6EchoReply in opened:
        replies.append(opened)


sniffer = AsyncSniffer(iface='eth0', prn=arrived, store=False, started_callback=lambda: print('ready', flush=True))
sniffer.start()
if want.get('ping'):
    time.sleep(0.5)
    for i in range(want['ping']):
        data = b'x' * want.get('size', 56)
        src, dst = want['inner']
        seal(IPv6(src=src, dst=dst) / ICMPv6EchoRequest(id=7, seq=i, data=data) if ':' in src else
             IP(src=src, dst=dst) / ICMP(id=7, seq=i) / Raw(data))
        time.sleep(0.05)
    time.sleep(1)
else:
    time.sleep(want['seconds'])
sniffer.stop()
print(json.dumps({'seen': len(seen), 'first': min(seen or [0]), 'last': max(seen or [0]), 'replies': len(replies),
                  'bad': bad[:3]}), flush=True)
