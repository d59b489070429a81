/*
 * database.c - looking into a gdbm database.
 *
 * What has been found is kept, so that an answer lasts as long as the table,
 * and a key that is asked often costs one look into a hash.  That memory is
 * at most what the table itself would take.  The keys asked last that are not
 * there are kept too: the file is never written, and what a client or a sender
 * might stand under is asked for again with each of his recipients.
 */
#include "config.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <gdbm.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/fileio.h"
#include "base/xalloc.h"
#include "maps/database.h"
#include "maps/database_int.h"

#define ABSENT_SETS	128	/* a key has its place in one of them */
#define ABSENT_WAYS	4	/* of it; the newest stands first */
#define ABSENT_KEY	63	/* octets; longer ones are not kept */

struct absent {
	uint8_t	 n;		/* 0: none */
	char	 key[ABSENT_KEY];
};

struct map_db {
	GDBM_FILE	 file;
	struct htab	 found;		/* folded key to struct map_answer */
	struct arena	 arena;
	struct absent	*absent;	/* NULL: none yet */
};

/* gdbm.h: GDBM_MAGIC and its kin, in this machine's order and the other. */
static const uint32_t	magics[] = {
	0x13579acd, 0x13579ace, 0x13579acf, 0x13579ad0, 0x13579ad1,
	0xcd9a5713, 0xce9a5713, 0xcf9a5713, 0xd09a5713, 0xd19a5713
};

bool
map_db_is(int fd)
{
	uint32_t	 magic;
	size_t		 i;

	if (pread(fd, &magic, sizeof(magic), 0) != (ssize_t)sizeof(magic))
		return false;
	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (magic == magics[i])
			return true;
	return false;
}

struct map_db *
map_db_open(int fd, const char **why)
{
	struct map_db	*db;
	GDBM_FILE	 file;

	/* gdbm reads on from where another look at the file has ended. */
	(void)lseek(fd, 0, SEEK_SET);
	file = gdbm_fd_open(fd, "table", 0, GDBM_READER | GDBM_NOLOCK |
	    GDBM_NOMMAP | GDBM_CLOEXEC | GDBM_CLOERROR, NULL);
	if (file == NULL) {
		*why = "the database is damaged, or of another machine";
		return NULL;
	}
	db = xcalloc(1, sizeof(*db));
	db->file = file;
	return db;
}

void
map_db_close(struct map_db **dbp)
{
	struct map_db	*db = *dbp;

	*dbp = NULL;
	if (db == NULL)
		return;
	(void)gdbm_close(db->file);
	htab_clear(&db->found);
	arena_clear(&db->arena);
	free(db->absent);
	free(db);
}

/* What lies there under a key; its memory is the caller's to free. */
static enum map_result
fetch(struct map_db *db, struct span key, datum *out)
{
	datum	 k = { (char *)(uintptr_t)key.p, (int)key.n };

	gdbm_errno = GDBM_NO_ERROR;
	*out = gdbm_fetch(db->file, k);
	if (out->dptr != NULL)
		return MAP_FOUND;
	return gdbm_errno == GDBM_ITEM_NOT_FOUND ? MAP_NONE : MAP_BROKEN;
}

/* --- a value of ours */

uint32_t
map_db_crc(struct span key, uint32_t line, struct span value)
{
	char		 text[16];
	uint32_t	 crc = crc32c(0, key.p, key.n);

	crc = crc32c(crc, text, (size_t)snprintf(text, sizeof(text),
	    " %" PRIu32 " ", line));
	return value.n == 0 ? crc : crc32c(crc, value.p, value.n);
}

static bool
hex32(struct span s, uint32_t *out)
{
	size_t	 i;
	char	 c;

	*out = 0;
	for (i = 0; i < s.n; i++) {
		c = s.p[i];
		if (c >= '0' && c <= '9')
			*out = *out * 16 + (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out * 16 + (uint32_t)(c - 'a') + 10;
		else
			return false;
	}
	return s.n == 8;
}

bool
map_db_value(struct span key, struct span stored, struct map_answer *a)
{
	ptrdiff_t	 blank = span_index(stored, ' ');
	struct span	 rest;
	uint64_t	 line;
	uint32_t	 crc;

	if (blank <= 0 ||
	    !span_u64(span_mem(stored.p, (size_t)blank), UINT32_MAX, &line))
		return false;
	rest = span_from(stored, (size_t)blank + 1);
	if (rest.n < 9 || rest.p[8] != ' ' ||
	    !hex32(span_mem(rest.p, 8), &crc))
		return false;
	*a = (struct map_answer){ .key = key, .value = span_from(rest, 9),
	    .line = (uint32_t)line };
	return crc == map_db_crc(key, a->line, a->value);
}

/* A pair of ours, kept for as long as the table. */
static enum map_result
take(struct map_db *db, struct span key, datum d, struct map_answer *out)
{
	struct map_answer	*kept;
	struct span		 k = arena_span(&db->arena, key), v;
	enum map_result		 is = MAP_BROKEN;

	v = arena_span(&db->arena, span_mem(d.dptr, (size_t)d.dsize));
	if (map_db_value(k, v, out)) {
		kept = arena_alloc(&db->arena, sizeof(*kept));
		*kept = *out;
		htab_put(&db->found, k, kept);
		is = MAP_FOUND;
	}
	free(d.dptr);
	return is;
}

/* The set of a key that may not be there; NULL: it has none. */
static struct absent *
absent_set(struct map_db *db, struct span key)
{
	uint32_t	 set = crc32c(0, key.p, key.n) % ABSENT_SETS;

	if (key.n > ABSENT_KEY)
		return NULL;
	if (db->absent == NULL)
		db->absent = xcalloc(ABSENT_SETS * ABSENT_WAYS,
		    sizeof(*db->absent));
	return &db->absent[set * ABSENT_WAYS];
}

static bool
is_absent(const struct absent *set, struct span key)
{
	size_t	 i;

	for (i = 0; set != NULL && i < ABSENT_WAYS; i++)
		if (span_eq(span_mem(set[i].key, set[i].n), key))
			return true;
	return false;
}

static void
keep_absent(struct absent *set, struct span key)
{
	if (set == NULL)
		return;
	memmove(&set[1], &set[0], (ABSENT_WAYS - 1) * sizeof(*set));
	set->n = (uint8_t)key.n;
	memcpy(set->key, key.p, key.n);
}

/* The key as it lies there. */
static enum map_result
find(struct map_db *db, struct span key, struct map_answer *out)
{
	struct absent		*set = absent_set(db, key);
	const struct map_answer	*kept;
	enum map_result		 is;
	datum			 d;

	if (is_absent(set, key))
		return MAP_NONE;
	if ((kept = htab_get(&db->found, key)) != NULL) {
		*out = *kept;
		return MAP_FOUND;
	}
	is = fetch(db, key, &d);
	if (is == MAP_NONE)
		keep_absent(set, key);
	return is == MAP_FOUND ? take(db, key, d, out) : is;
}

enum map_result
map_db_find(struct map_db *db, struct span key, struct map_answer *out)
{
	char	 folded[MAP_KEY_MAX];
	size_t	 i;

	if (key.n == 0 || key.n > sizeof(folded) || key.p[0] == '\0')
		return MAP_NONE;
	for (i = 0; i < key.n; i++)
		folded[i] = ascii_lower(key.p[i]);
	return find(db, span_mem(folded, key.n), out);
}

/* --- the seal */

#define CHUNK		65536	/* octets read at once */
#define SEAL_SIZE	25	/* "%016x %08x" */
#define MARK_SIZE	(MAP_DB_SEAL.n + MAP_DB_UNSEALED.n - SEAL_SIZE)

/* gdbm stores a key and its value side by side; no text has an octet 0. */
static const char *
mark(const char *p, size_t n)
{
	const char	*end = p + n;
	size_t		 key = MAP_DB_SEAL.n, word = MARK_SIZE - key;

	while (p < end && (p = memchr(p, '\0', (size_t)(end - p))) != NULL) {
		if ((size_t)(end - p) >= MARK_SIZE &&
		    memcmp(p, MAP_DB_SEAL.p, key) == 0 &&
		    memcmp(p + key, MAP_DB_UNSEALED.p, word) == 0)
			return p;
		p++;
	}
	return NULL;
}

/* Where the digits of the seal stand; -1: there are none. */
static int
seal_place(int fd, uint64_t size, uint64_t *place)
{
	char		 buf[CHUNK];
	const char	*at;
	uint64_t	 off = 0;
	size_t		 n;

	while (off < size) {
		n = size - off < CHUNK ? (size_t)(size - off) : CHUNK;
		if (file_pread_all(fd, buf, n, off) == -1)
			return -1;
		if ((at = mark(buf, n)) != NULL) {
			*place = off + (uint64_t)(at - buf) + MARK_SIZE;
			return *place + SEAL_SIZE <= size ? 0 : -1;
		}
		if (n < CHUNK)
			break;
		off += n - MARK_SIZE;
	}
	return -1;
}

/* One of ours, whole or not. */
static bool
is_marked(int fd)
{
	struct stat	 st;
	uint64_t	 place;

	return fstat(fd, &st) == 0 &&
	    seal_place(fd, (uint64_t)st.st_size, &place) == 0;
}

static int
sum_up(int fd, uint64_t from, uint64_t to, uint32_t *crc)
{
	char	 buf[CHUNK];
	size_t	 n;

	for (; from < to; from += n) {
		n = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		if (file_pread_all(fd, buf, n, from) == -1)
			return -1;
		*crc = crc32c(*crc, buf, n);
	}
	return 0;
}

/* The digits that belong there. */
static int
seal_of(int fd, uint64_t *place, char seal[SEAL_SIZE + 1])
{
	struct stat	 st;
	uint64_t	 size;
	uint32_t	 crc = 0;

	if (fstat(fd, &st) == -1)
		return -1;
	size = (uint64_t)st.st_size;
	errno = EINVAL;
	if (seal_place(fd, size, place) == -1 ||
	    sum_up(fd, 0, *place, &crc) == -1 ||
	    sum_up(fd, *place + SEAL_SIZE, size, &crc) == -1)
		return -1;
	snprintf(seal, SEAL_SIZE + 1, "%016" PRIx64 " %08" PRIx32, size, crc);
	return 0;
}

static bool
is_whole(int fd)
{
	char		 seal[SEAL_SIZE + 1], there[SEAL_SIZE];
	uint64_t	 place;

	return seal_of(fd, &place, seal) == 0 &&
	    file_pread_all(fd, there, SEAL_SIZE, place) == 0 &&
	    memcmp(seal, there, SEAL_SIZE) == 0;
}

int
map_db_seal(const char *path)
{
	char		 seal[SEAL_SIZE + 1];
	uint64_t	 place;
	int		 fd = open(path, O_RDWR | O_CLOEXEC), rc = -1;

	if (fd == -1)
		return -1;
	if (seal_of(fd, &place, seal) == 0 &&
	    file_pwrite_all(fd, seal, SEAL_SIZE, place) == 0)
		rc = fsync(fd);
	close(fd);
	return rc;
}

/* --- what it says of itself */

/* "word rest\n" */
static bool
next_word(struct span *text, const char *word, struct span *rest)
{
	ptrdiff_t	 lf = span_index(*text, '\n');
	struct span	 line, w = span_of(word);

	if (lf < 0)
		return false;
	line = span_mem(text->p, (size_t)lf);
	*text = span_from(*text, (size_t)lf + 1);
	if (!span_prefix(line, w) || line.n <= w.n || line.p[w.n] != ' ')
		return false;
	*rest = span_from(line, w.n + 1);
	return true;
}

static bool
prefixes_of(struct span s, struct map_prefixes *p)
{
	char	 buf[128];

	if (s.n >= sizeof(buf))
		return false;
	memcpy(buf, s.p, s.n);
	buf[s.n] = '\0';
	return sscanf(buf, "%" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64,
	    &p->v4[0], &p->v6[0], &p->v6[1], &p->v6[2]) == 4;
}

/* The record of it, which a whole file has. */
static enum map_result
about_record(struct map_db *db, struct map_answer *a)
{
	enum map_result	 is;
	datum		 d;
	int		 fd = gdbm_fdesc(db->file);

	is = fetch(db, MAP_DB_ABOUT, &d);
	if (is == MAP_NONE && !is_marked(fd))
		return MAP_NONE;
	if (is == MAP_FOUND)
		is = take(db, MAP_DB_ABOUT, d, a);
	return is == MAP_FOUND && is_whole(fd) ? MAP_FOUND : MAP_BROKEN;
}

int
map_db_about(struct map_db *db, struct map_db_about *about, const char **why)
{
	struct map_answer	 a;
	struct span		 text, s;
	enum map_result		 is;

	if ((is = about_record(db, &a)) == MAP_NONE)
		return 0;
	*why = "the database is damaged: build it again";
	if (is != MAP_FOUND)
		return -1;
	text = a.value;
	if (!next_word(&text, "table", &s) || !span_eq(s, SPAN("1"))) {
		*why = "the database is of another version: build it again";
		return -1;
	}
	if (!next_word(&text, "kind", &about->kind) ||
	    !next_word(&text, "entries", &s) ||
	    !span_u64(s, UINT32_MAX, &about->entries) ||
	    !next_word(&text, "prefixes", &s) ||
	    !prefixes_of(s, &about->prefixes) ||
	    !next_word(&text, "names", &s))
		return -1;
	about->host_names = span_eq(s, SPAN("1"));
	return 1;
}

enum map_result
map_db_lists(struct map_db *db, struct span *keys)
{
	struct map_answer	 a = { .line = 0 };
	enum map_result		 is = find(db, MAP_DB_LISTS, &a);

	*keys = a.value;
	return is;
}

/* --- all of it */

int
map_db_walk(struct map_db *db, int (*each)(void *, struct span, struct span),
    void *arg)
{
	datum	 key, next, value;
	int	 rc = 0;

	gdbm_errno = GDBM_NO_ERROR;
	key = gdbm_firstkey(db->file);
	while (rc == 0 && key.dptr != NULL) {
		value = gdbm_fetch(db->file, key);
		if (value.dptr == NULL)
			rc = -1;
		else if (key.dsize == 0 || key.dptr[0] != '\0')
			rc = each(arg, span_mem(key.dptr, (size_t)key.dsize),
			    span_mem(value.dptr, (size_t)value.dsize));
		if (value.dptr != NULL) {
			explicit_bzero(value.dptr, (size_t)value.dsize);
			free(value.dptr);
		}
		next = gdbm_nextkey(db->file, key);
		free(key.dptr);
		key = next;
	}
	if (key.dptr != NULL)
		free(key.dptr);
	return rc == 0 && (gdbm_errno == GDBM_ITEM_NOT_FOUND ||
	    gdbm_errno == GDBM_NO_ERROR) ? 0 : -1;
}
