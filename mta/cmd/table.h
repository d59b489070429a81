/*
 * table.h - values of the server's answers for people.
 */
#ifndef WB_MTA_CMD_TABLE_H
#define WB_MTA_CMD_TABLE_H

#include <stdint.h>

#define TABLE_SIZE	16

struct json_t;

/* "512", "10K", "1.5M" (of 1024) */
const char	*table_size(int64_t octets, char out[TABLE_SIZE]);
/* The same of a text by itself; NULL is empty. */
const char	*table_clean(const char *);
/* A text that a peer may have written, without control characters; in one of 8 rotating buffers. */
const char	*table_text(const struct json_t *, const char *key);

#endif
