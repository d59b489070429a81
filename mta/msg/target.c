/*
 * target.c - a target on the wire between route and queue.
 */
#include <limits.h>

#include "mta/msg/deliver.h"
#include "mta/msg/hop.h"
#include "mta/msg/target.h"

#define ADDRESS_OCTETS	1024	/* more than RFC 5321, 4.5.3.1 allows */
#define NAME_OCTETS	1024	/* mailbox, account */
#define STATUS_OCTETS	16
#define TEXT_OCTETS	4096

void
target_put(struct chan *c, const struct target *t)
{
	chan_u32(c, t->rcpt);
	chan_u8(c, t->kind);
	chan_bytes(c, t->address);
	chan_bytes(c, t->hop);
	chan_bytes(c, t->mail_from);
	chan_u8(c, t->owned);
	chan_bytes(c, t->rcpt_to);
	chan_bytes(c, t->mailbox);
	chan_bytes(c, t->account);
	chan_bytes(c, t->path);
	chan_bytes(c, t->how);
	chan_u32(c, t->uid);
	chan_u32(c, t->gid);
	chan_u16(c, t->code);
	chan_bytes(c, t->status);
	chan_bytes(c, t->text);
}

/* A kind that exists, and what that kind cannot do without. */
static bool
sensible(const struct target *t)
{
	unsigned	 kind;
	struct span	 options;

	if (!deliver_how(t->how, &kind, &options))
		return false;
	switch (t->kind) {
	case TARGET_DELIVER:
		return t->path.n > 0 && t->path.p[0] == '/' &&
		    span_index(t->path, '\0') == -1;
	case TARGET_PIPE:
	case TARGET_FILE:
		return t->how.n > 0 && t->path.n > 0 &&
		    span_index(t->path, '\0') == -1;
	case TARGET_HOP:
		return t->hop.n > 0;
	case TARGET_DISCARD:
	case TARGET_EXPANDED:
		return true;
	case TARGET_FAIL:
	case TARGET_LATER:
		return t->code >= 400 && t->code <= 599;
	}
	return false;
}

bool
target_get(struct msg *m, struct target *t)
{
	t->rcpt = msg_u32(m);
	t->kind = msg_u8(m);
	t->address = msg_bytes(m, ADDRESS_OCTETS);
	t->hop = msg_bytes(m, HOP_TEXT_MAX);
	t->mail_from = msg_bytes(m, ADDRESS_OCTETS);
	t->owned = msg_u8(m) != 0;
	t->rcpt_to = msg_bytes(m, ADDRESS_OCTETS);
	t->mailbox = msg_bytes(m, NAME_OCTETS);
	t->account = msg_bytes(m, NAME_OCTETS);
	t->path = msg_bytes(m, PATH_MAX);
	t->how = msg_bytes(m, DELIVER_HOW_MAX);
	t->uid = msg_u32(m);
	t->gid = msg_u32(m);
	t->code = msg_u16(m);
	t->status = msg_bytes(m, STATUS_OCTETS);
	t->text = msg_bytes(m, TEXT_OCTETS);
	if (!m->bad && !sensible(t))
		m->bad = true;
	return !m->bad;
}
