/*
 * lifetimes.h - how long a message may wait, by destination and class of error.
 *
 * Each target has the lifetime of its hop's terms and of its last error's
 * class.  A message is looked at when it has come to the age of one of the
 * lifetimes that the policy has: there are few, whatever waits.
 */
#ifndef WB_MTA_QUEUE_LIFETIMES_H
#define WB_MTA_QUEUE_LIFETIMES_H

#include <stdbool.h>
#include <stdint.h>

struct dest;
struct message;
struct queue;

/* Index time at which it is this old; now, when it is older. */
uint32_t message_aged_s(const struct message *, int64_t ms);
/* Index time at which the next of the lifetimes has passed; now, when all have. */
uint32_t lifetime_next_s(const struct queue *, const struct message *);
/* The least of all lifetimes has passed: something may have expired. */
bool	 lifetime_began(const struct queue *, const struct message *);
/* Of a target that waits, or is in line. */
int64_t	 dest_lifetime_ms(const struct queue *, const struct dest *);
bool	 dest_expired(const struct queue *, const struct message *, const struct dest *);
/* Wall time at which the last of its open targets expires as things stand. */
int64_t	 message_expires_ms(const struct queue *, const struct message *);

#endif
