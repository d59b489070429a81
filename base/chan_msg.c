/*
 * chan_msg.c - reading the fields of a message, bounded, with a sticky flag.
 */
#include "base/chan.h"

static uint64_t
get(struct msg *m, size_t n)
{
	uint64_t	v = 0;
	size_t		i;

	if (m->bad || m->left.n < n) {
		m->bad = true;
		return 0;
	}
	for (i = 0; i < n; i++)
		v |= (uint64_t)(unsigned char)m->left.p[i] << (8 * i);
	m->left = span_from(m->left, n);
	return v;
}

uint8_t
msg_u8(struct msg *m)
{
	return (uint8_t)get(m, 1);
}

uint16_t
msg_u16(struct msg *m)
{
	return (uint16_t)get(m, 2);
}

uint32_t
msg_u32(struct msg *m)
{
	return (uint32_t)get(m, 4);
}

uint64_t
msg_u64(struct msg *m)
{
	return get(m, 8);
}

struct span
msg_bytes(struct msg *m, size_t max)
{
	size_t		n = msg_u32(m);
	struct span	s = SPAN_NONE;

	if (m->bad || n > max || n > m->left.n) {
		m->bad = true;
		return s;
	}
	s = span_mem(m->left.p, n);
	m->left = span_from(m->left, n);
	return s;
}

int
msg_fd(struct msg *m)
{
	int	fd = m->fd;

	m->fd = -1;
	if (fd == -1)
		m->bad = true;
	return fd;
}

bool
msg_end(struct msg *m)
{
	if (m->left.n > 0)
		m->bad = true;
	return !m->bad;
}
